# Copyright: kindlab.volumes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The style of the page: light and dark, narrow and printed. Colours have a contrast of 4.5 to their ground."""

from __future__ import annotations

STYLE = """
:root {
  color-scheme: light dark;
  --ground: #ffffff; --text: #1b1d21; --faint: #555b66; --line: #c3c8d0; --box: #f4f5f7; --link: #0b57a4;
  --yes: #d9f2df; --on-yes: #0b3d17; --no: #fbd9d7; --on-no: #6b0f0a; --unknown: #fdeebf; --on-unknown: #4d3800;
}
@media (prefers-color-scheme: dark) {
  :root {
    --ground: #15171b; --text: #e8eaee; --faint: #a9b0bc; --line: #444a55; --box: #1e2127; --link: #8ec1ff;
    --yes: #123d20; --on-yes: #c9f2d3; --no: #5a1613; --on-no: #ffdad6; --unknown: #453606; --on-unknown: #ffefb8;
  }
}
* { box-sizing: border-box; }
body { margin: 0; padding: 1rem; background: var(--ground); color: var(--text); font: 1rem/1.4 system-ui, sans-serif;
  overflow-wrap: anywhere; }
h1, h2, h3, p, ul, dl { margin: 0 0 .5rem; }
h1 { font-size: 1.5rem; } h2 { font-size: 1.25rem; margin-top: 1.5rem; } h3 { font-size: 1rem; }
a { color: var(--link); }
[hidden] { display: none !important; }
:focus-visible { outline: 3px solid var(--link); outline-offset: 1px; }
.faint { color: var(--faint); }
.problem { border-left: .3rem solid var(--on-no); padding-left: .5rem; }
header form { display: flex; flex-wrap: wrap; gap: .5rem 1.5rem; align-items: end; }
header input[type=search] { font: inherit; padding: .3rem .5rem; width: min(20rem, 80vw); }
fieldset { border: 0; margin: 0; padding: 0; display: flex; gap: 1rem; }
legend { padding: 0; float: left; margin-right: 1rem; }
.yes { background: var(--yes); color: var(--on-yes); }
.no { background: var(--no); color: var(--on-no); }
.unknown { background: var(--unknown); color: var(--on-unknown); }
.boxes { display: grid; grid-template-columns: repeat(auto-fill, minmax(min(18rem, 100%), 1fr)); gap: 1rem; }
.box { border: 1px solid var(--line); border-radius: .5rem; background: var(--box); padding: .75rem; min-width: 0; }
.wide { grid-column: 1 / -1; }
.boxes ~ * { margin-top: 1rem; }
.box ul { list-style: none; padding: 0; }
.tiles { display: flex; flex-wrap: wrap; gap: .4rem; }
.tiles li { max-width: 100%; }
.tile { display: block; max-width: min(16rem, 100%); padding: .2rem .5rem; border: 1px solid currentColor;
  border-radius: .3rem; text-decoration: none; font-size: .875rem; overflow: hidden; text-overflow: ellipsis;
  white-space: nowrap; }
.mark { display: inline-block; min-width: 1.2em; text-align: center; font-weight: bold; border-radius: .2rem; }
summary { cursor: pointer; }
.table { overflow-x: auto; }
table { border-collapse: collapse; font-size: .875rem; }
th, td { text-align: start; vertical-align: top; padding: .3rem .5rem; border: 1px solid var(--line); min-width: 6rem; }
thead th { background: var(--box); }
tr:target { outline: 3px solid var(--link); }
pre { white-space: pre-wrap; overflow-wrap: anywhere; margin: 0; font: inherit; }
#card { position: fixed; z-index: 2; max-width: min(28rem, 95vw); max-height: 90vh; overflow: auto; padding: .75rem;
  background: var(--ground); border: 2px solid var(--line); border-radius: .5rem; box-shadow: 0 .2rem 1rem #0006;
  pointer-events: none; }
#card dl { display: grid; grid-template-columns: max-content 1fr; gap: .2rem .75rem; margin: 0; font-size: .875rem; }
#card dt { color: var(--faint); } #card dd { margin: 0; }
@media print {
  :root { color-scheme: light; --ground: #fff; --text: #000; --faint: #444; --line: #999; --box: #fff; --link: #000;
    --yes: #d9f2df; --on-yes: #0b3d17; --no: #fbd9d7; --on-no: #6b0f0a; --unknown: #fdeebf; --on-unknown: #4d3800; }
  header form, #card { display: none; }
  * { print-color-adjust: exact; }
  .box, tr, .tile { break-inside: avoid; }
  th, td { min-width: 0; font-size: .6rem; }
  .table { overflow: visible; }
}
"""
