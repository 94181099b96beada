"""The map's page in a real browser: seen, hovered, searched, dark, narrow, printed, without a script, with any name."""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from ansible_collections.kindlab.volumes.plugins.module_utils._core.map.compare import changes
from ansible_collections.kindlab.volumes.tests.unit.support import maps

Opened = Callable[..., Page]
# Where the picture for README is written, '' for nowhere.
SCREENSHOT = os.environ.get("KINDLAB_SCREENSHOT", "")
# Elements with text that lie outside of the window, or on top of each other.
OVERLAPS = """() => {
  const boxes = [...document.querySelectorAll('a.tile, .box h3, summary, h2')]
    .filter(one => one.checkVisibility()).map(one => [one, one.getBoundingClientRect()]);
  return boxes.flatMap(([one, a], index) => boxes.slice(index + 1)
    .filter(([other, b]) => !one.contains(other) && !other.contains(one)
      && a.left < b.right - 1 && b.left < a.right - 1 && a.top < b.bottom - 1 && b.top < a.bottom - 1)
    .map(([other]) => `${one.textContent} | ${other.textContent}`));
}"""
# The least contrast of visible text to its ground.
CONTRAST = """() => {
  const parts = text => text.match(/[\\d.]+/g).map(Number);
  const light = color => {
    const [red, green, blue] = color.slice(0, 3).map(value => value / 255)
      .map(value => value <= 0.03928 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4);
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
  };
  const ground = one => {
    for (let part = one; part; part = part.parentElement) {
      const color = parts(getComputedStyle(part).backgroundColor);
      if (color.length === 3 || color[3] > 0) return color;
    }
    return [255, 255, 255];
  };
  return Math.min(...[...document.querySelectorAll('h1, h2, h3, p, li, a, td, th, summary, span, small, label')]
    .filter(one => one.checkVisibility() && one.textContent.trim()).map(one => {
      const pair = [light(parts(getComputedStyle(one).color)), light(ground(one))].sort((a, b) => b - a);
      return (pair[0] + 0.05) / (pair[1] + 0.05);
    }));
}"""


def tile(page: Page, claim: str) -> Any:
    return page.get_by_role("link", name=beginning(f"{claim}, "))


def beginning(name: str) -> re.Pattern[str]:
    """A name that begins so; a slash would end the expression where the browser reads it."""
    return re.compile(f"^{name.replace('/', '.')}")


def told(page: Page) -> str:
    return page.locator("#told").inner_text()


def test_a_page_answers_what_people_ask(opened: Opened) -> None:
    page = opened(maps.shop())
    expect(page).to_have_title("Map of box")
    expect(page.get_by_role("heading", name="lab running, docker on box")).to_be_visible()
    expect(page.get_by_text("5 of 7 volumes survive")).to_be_visible()
    expect(tile(page, "shop/cache")).to_have_class("tile no")
    row = page.get_by_role("row", name=beginning("shop/web"))
    for words in ("/srv/lab/pvc-00000001", "pod shop/web-0", "generation 3 of 2026-01-02T02:00:00Z", "unchanged since"):
        expect(row).to_contain_text(words)
    assert told(page) == "7 of 7 volumes are shown."
    if SCREENSHOT:
        page.set_viewport_size({"width": 1200, "height": 1180})
        tile(page, "shop/web").hover()
        page.screenshot(path=SCREENSHOT)


def test_details_while_a_volume_is_hovered(opened: Opened) -> None:
    page = opened(maps.shop())
    card = page.get_by_role("tooltip")
    expect(card).to_be_hidden()
    tile(page, "shop/web").hover()
    expect(card).to_contain_text("Where the data is")
    expect(card).to_contain_text("/srv/lab/pvc-00000001")
    box = card.bounding_box()
    assert box and box["x"] >= 0 and box["x"] + box["width"] <= 1200 and box["y"] + box["height"] <= 900
    page.mouse.move(5, 5)
    expect(card).to_be_hidden()


def test_details_by_keyboard(opened: Opened) -> None:
    page = opened(maps.shop())
    tile(page, "shop/web").focus()
    card = page.get_by_role("tooltip")
    expect(card).to_be_visible()
    expect(tile(page, "shop/web")).to_have_attribute("aria-describedby", "card")
    page.keyboard.press("Escape")
    expect(card).to_be_hidden()
    page.keyboard.press("Enter")
    expect(page.locator("tr:target")).to_contain_text("shop/web")
    page.locator("#search").focus()
    for _step in range(5):
        page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.tagName") in ("SUMMARY", "A", "INPUT")


def test_search_and_filter(opened: Opened) -> None:
    page = opened(maps.shop())
    page.get_by_role("searchbox").fill("SHOP web")
    assert told(page) == "1 of 7 volumes are shown."
    expect(page.locator("a.tile:visible")).to_have_count(1)
    expect(page.locator("details.group:visible")).to_have_count(1)
    page.get_by_role("searchbox").fill("")
    page.get_by_role("checkbox", name="yes").uncheck()
    assert told(page) == "2 of 7 volumes are shown."
    page.get_by_role("searchbox").fill("no such thing")
    assert told(page) == "0 of 7 volumes are shown."


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_text_stands_out_in_both_schemes(opened: Opened, scheme: str) -> None:
    page = opened(maps.shop(), color_scheme=scheme)
    ground = page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert ground == {"light": "rgb(255, 255, 255)", "dark": "rgb(21, 23, 27)"}[scheme]
    assert page.evaluate(CONTRAST) >= 4.5


@pytest.mark.parametrize("width", [320, 800, 1600])
@pytest.mark.parametrize("make", [maps.shop, maps.hostile], ids=["shop", "hostile"])
def test_nothing_overlaps_or_is_cut_off(opened: Opened, make: Callable[[], Any], width: int) -> None:
    page = opened(make(), viewport={"width": width, "height": 800})
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert page.evaluate(OVERLAPS) == []


def test_it_is_printed_whole(opened: Opened) -> None:
    page = opened(maps.large(200), color_scheme="dark")
    page.emulate_media(media="print", color_scheme="dark")
    page.evaluate("dispatchEvent(new Event('beforeprint'))")
    expect(page.get_by_role("searchbox")).to_be_hidden()
    expect(page.locator("tr[data-survives]:visible")).to_have_count(200)
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    assert page.pdf().startswith(b"%PDF")


def test_any_name_is_harmless(opened: Opened) -> None:
    made = maps.hostile()
    page = opened(made, changes(maps.shop(), made))
    for place in ("a.tile", "summary"):
        page.locator(place).first.hover()
    page.wait_for_timeout(100)
    assert "owned" not in page.title().replace("document.title='owned'", "")
    assert page.evaluate("document.querySelectorAll('img, b, iframe, script').length") == 1
    assert page.evaluate("document.querySelectorAll('body *').length > 100")


def test_without_a_script_everything_is_there(opened: Opened) -> None:
    page = opened(maps.shop(), java_script_enabled=False)
    tile(page, "shop/web").click()
    expect(page.get_by_role("row", name=beginning("shop/web"))).to_be_in_viewport()


def test_it_can_be_read_out(opened: Opened) -> None:
    page = opened(maps.shop())
    for role, name in (
        ("main", None),
        ("search", None),
        ("region", "Volumes of lab"),
        ("link", beginning("shop/cache, does not survive, ")),
        ("columnheader", "Survives"),
        ("rowheader", "shop/web"),
        ("status", None),
    ):
        expect(page.get_by_role(role, name=name).first).to_be_attached()  # type: ignore[arg-type]


def test_what_changed_is_in_front(opened: Opened) -> None:
    page = opened(maps.shop(), changes(maps.lab(maps.cluster(maps.inside(1, "shop/web"))), maps.shop()))
    first = page.locator("main > section").first
    expect(first).to_contain_text("Since the map before: ")
    expect(first.get_by_role("row", name=beginning("volume shop/web"))).to_contain_text("moved")


def test_a_thousand_volumes(opened: Opened) -> None:
    page = opened(maps.large())
    assert told(page) == "1000 of 1000 volumes are shown."
    milliseconds = page.evaluate("performance.getEntriesByType('navigation')[0].domContentLoadedEventEnd")
    print(f"a thousand volumes: {milliseconds:.0f} ms until the page is interactive")
    # The target is a second on a machine that does nothing else.
    assert milliseconds < 5000
    page.get_by_role("searchbox").fill("data-777")
    expect(page.locator("a.tile:visible")).to_have_count(1)
