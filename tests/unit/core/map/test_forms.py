"""The forms of a map: each says what people ask, takes any name for text, and stays small with a thousand volumes."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from html.parser import HTMLParser
from typing import Any

import pytest

from ansible_collections.kindlab.volumes.plugins.module_utils._core.map.compare import changes
from ansible_collections.kindlab.volumes.plugins.module_utils._core.map.mermaid import as_mermaid
from ansible_collections.kindlab.volumes.plugins.module_utils._core.map.page.document import as_html
from ansible_collections.kindlab.volumes.plugins.module_utils._core.map.page.script import SCRIPT
from ansible_collections.kindlab.volumes.plugins.module_utils._core.map.page.style import STYLE
from ansible_collections.kindlab.volumes.plugins.module_utils._core.map.terminal import as_text
from ansible_collections.kindlab.volumes.tests.unit.support import maps

Form = Callable[..., str]


def text(made: Any, changed: Any = None, width: int = 100, *, color: bool = False) -> str:
    return as_text(made, changed, width, color=color)


def html(made: Any, changed: Any = None) -> str:
    return as_html(made, changed)


def mermaid(made: Any, changed: Any = None) -> str:
    return as_mermaid(made, changed)


FORMS = [text, html, mermaid]
each_form = pytest.mark.parametrize("form", FORMS)


class Tree(HTMLParser):
    """The elements of a page; raises AssertionError for what is not closed."""

    VOID = ("meta", "input", "br")

    def __init__(self, page: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.text: list[str] = []
        self.feed(page)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self.open[-1:] not in (["script"], ["style"]):
            self.text.append(data)


@each_form
def test_each_form_answers_what_people_ask(form: Form) -> None:
    told = form(maps.shop())
    told = told if form is not mermaid else re.sub("#([0-9]+);", lambda code: chr(int(code[1])), told)
    for words in ("shop/web", "5 of 7 volumes survive", "its nodes are not running", "generation 3 of"):
        assert words in told
    assert "2026-01-02T02:00:00Z" in told


@pytest.mark.parametrize("form", [text, html])
def test_what_is_left_over_is_told(form: Form) -> None:
    told = form(maps.shop())
    for words in ("/srv/lab/pvc-old_shop_gone", "blog/drafts", "A warning.", "nfs nas:/x", "more than 90 MB"):
        assert words in told


@each_form
def test_any_name_is_text(form: Form) -> None:
    """Also what would end the element, the line or the label that it is in."""
    made = maps.hostile()
    told = form(made, changes(maps.shop(), made))
    if form is html:
        found = Tree(told)
        tags = [tag for tag, _attributes in found.elements]
        assert tags.count("script") == 1 and "img" not in tags and "b" not in tags
        assert not any(name.startswith("on") for _tag, attributes in found.elements for name in attributes)
        shown = "".join(found.text)
        assert "<script>document.title='owned'</script>" in shown and "n" * 253 in shown
    else:
        assert "\x1b" not in told and "\x00" not in told and "\N{RIGHT-TO-LEFT OVERRIDE}" not in told
    if form is mermaid:
        label = r'[^"]*("[^"<>]*(<br/>[^"<>]*)*"[^"]*)?'
        for line in told.splitlines():
            assert re.fullmatch(rf"\s*(%% .*|classDef .*|{label})", line), line
        assert '"javascript' not in told and "<script" not in told


def test_the_page_is_whole() -> None:
    found = Tree(html(maps.shop(), []))
    ids = [attributes["id"] for _tag, attributes in found.elements if "id" in attributes]
    assert len(ids) == len({*ids})
    links = [attributes["href"] for tag, attributes in found.elements if tag == "a"]
    assert len(links) == 7 and {str(link)[1:] for link in links} <= {*ids}
    rows = [attributes["data-survives"] for tag, attributes in found.elements if "data-survives" in attributes]
    assert sorted(map(str, rows)) == ["no", "unknown", *["yes"] * 5]


def test_the_page_loads_nothing() -> None:
    page = html(maps.shop())
    assert not re.search(r"(src|href)=[\"']?(https?:|//|data:)|@import|url\(", page)
    assert "default-src &#x27;none&#x27;" in page


def test_the_page_needs_its_parts() -> None:
    """What the script looks for exists."""
    page = html(maps.shop())
    for found in re.findall(r"getElementById\('(\w+)'\)", SCRIPT):
        assert f'id="{found}"' in page
    for name in ('details class="group"', 'a class="tile', 'name="survives"', "<time datetime="):
        assert name in page


def luminance(color: str) -> float:
    parts = [int(color[place : place + 2], 16) / 255 for place in (1, 3, 5)]
    red, green, blue = (part / 12.92 if part <= 0.03928 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


@pytest.mark.parametrize("scheme", [0, 1], ids=["light", "dark"])
def test_text_stands_out_from_its_ground(scheme: int) -> None:
    block = re.findall(r":root \{(.*?)\}", STYLE, re.DOTALL)[scheme]
    colors = dict(re.findall(r"--([\w-]+): (#[0-9a-f]{6});", block))
    pairs = [("text", "ground"), ("faint", "ground"), ("link", "ground"), ("text", "box"), ("faint", "box")]
    for text_color, ground in [*pairs, *((f"on-{kind}", kind) for kind in ("yes", "no", "unknown"))]:
        light, dark = sorted((luminance(colors[text_color]), luminance(colors[ground])), reverse=True)
        assert (light + 0.05) / (dark + 0.05) >= 4.5, (text_color, ground)


@pytest.mark.parametrize("width", [40, 80, 200])
def test_text_is_as_wide_as_the_terminal(width: int) -> None:
    made = maps.shop()
    lines = text(made, changes(maps.lab(), made), width).splitlines()
    assert max(map(len, lines)) <= width
    assert "\x1b" not in "".join(lines)
    colored = text(made, width=width, color=True)
    assert re.sub(r"\x1b\[\d+m", "", colored) == text(made, width=width)
    assert "\x1b[31m" in colored


@pytest.mark.parametrize(("form", "most"), [(html, 2_000_000), (text, 40_000), (mermaid, 20_000)])
def test_a_thousand_volumes_are_grouped(form: Form, most: int) -> None:
    told = form(maps.large())
    assert len(told.encode()) <= most
    assert "90 survive" in told or "100 volumes" in told


def test_many_groups_are_closed_and_few_are_open() -> None:
    few, many = html(maps.shop()), html(maps.large())
    assert '<details class="group" open>' in few and '<details class="group" open>' not in many


def test_json_is_what_it_was() -> None:
    assert json.loads(json.dumps(maps.hostile())) == maps.hostile()
