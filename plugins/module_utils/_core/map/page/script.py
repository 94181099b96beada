# Copyright: kindlab.volumes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The script of the page: search and filter, details while a volume is hovered or focused, ages, and print."""

from __future__ import annotations

# Names are only ever set as text. Without it the page is complete: each tile leads to the row with its details.
SCRIPT = """
'use strict';
const all = selector => [...document.querySelectorAll(selector)];
const search = document.getElementById('search');
const boxes = all('input[name=survives]');
const told = document.getElementById('told');
const card = document.getElementById('card');
const groups = all('details.group');
const tiles = new Map(all('a.tile').map(tile => [tile.getAttribute('href').slice(1), tile]));
const rows = all('tr[data-survives]').map(row => ({
  row, tile: tiles.get(row.id), survives: row.dataset.survives, text: row.textContent.toLowerCase()
}));

function filter() {
  const words = search.value.toLowerCase().split(/\\s+/).filter(word => word);
  const wanted = new Set(boxes.filter(box => box.checked).map(box => box.value));
  let shown = 0;
  for (const { row, tile, survives, text } of rows) {
    const fits = wanted.has(survives) && words.every(word => text.includes(word));
    row.hidden = !fits;
    if (tile) tile.parentElement.hidden = !fits;
    shown += fits;
  }
  for (const group of groups) {
    const left = group.querySelectorAll('li:not([hidden])').length;
    group.hidden = left === 0;
    if (words.length > 0 && left > 0 && shown <= 100) group.open = true;
  }
  told.textContent = `${shown} of ${rows.length} volumes are shown.`;
}

function show(tile) {
  const row = document.getElementById(tile.getAttribute('href').slice(1));
  if (!row) return;
  const heads = [...row.closest('table').tHead.rows[0].cells];
  const list = document.createElement('dl');
  [...row.cells].forEach((cell, number) => {
    const term = document.createElement('dt');
    const value = document.createElement('dd');
    term.textContent = heads[number].textContent;
    value.append(...cell.cloneNode(true).childNodes);
    list.append(term, value);
  });
  card.replaceChildren(list);
  card.hidden = false;
  tile.setAttribute('aria-describedby', 'card');
  const at = tile.getBoundingClientRect();
  const { offsetWidth: width, offsetHeight: height } = card;
  const below = at.bottom + 6 + height <= innerHeight;
  card.style.left = `${Math.max(4, Math.min(at.left, innerWidth - width - 4))}px`;
  card.style.top = `${Math.max(4, below ? at.bottom + 6 : at.top - height - 6)}px`;
}

function hide() {
  card.hidden = true;
  for (const tile of all('[aria-describedby=card]')) tile.removeAttribute('aria-describedby');
}

function age(element) {
  const seconds = (Date.now() - Date.parse(element.dateTime)) / 1000;
  const units = [['day', 86400], ['hour', 3600], ['minute', 60]];
  if (!(seconds >= 0)) return;
  const [unit, length] = units.find(([, length]) => seconds >= length) ?? units[2];
  const text = new Intl.RelativeTimeFormat('en').format(-Math.floor(seconds / length), unit);
  element.append(` (${text})`);
}

for (const [event, shows] of [['pointerover', true], ['focusin', true], ['pointerout', false], ['focusout', false]]) {
  document.addEventListener(event, ({ target }) => {
    const tile = target.closest?.('a.tile');
    if (tile) (shows ? show : hide)(tile);
  });
}
document.addEventListener('click', ({ target }) => {
  const tile = target.closest?.('a.tile');
  if (tile) document.getElementById(tile.getAttribute('href').slice(1)).closest('details').open = true;
});
document.addEventListener('keydown', event => { if (event.key === 'Escape') hide(); });
document.addEventListener('scroll', () => {
  const tile = document.activeElement.closest('a.tile');
  if (tile && !card.hidden) show(tile); else hide();
}, { passive: true });
addEventListener('beforeprint', () => { hide(); for (const part of all('details')) part.open = true; });
search.addEventListener('input', filter);
for (const box of boxes) box.addEventListener('change', filter);
document.querySelector('form').addEventListener('submit', event => event.preventDefault());
all('time').forEach(age);
filter();
"""
