"""When a map's file changes: with what it shows, not with the time at which it was made."""

from __future__ import annotations

from dataclasses import replace

import pytest

from ansible_collections.kindlab.volumes.plugins.module_utils._core.errors import BadInput
from ansible_collections.kindlab.volumes.plugins.module_utils._core.map.plan import Observed, Plan
from ansible_collections.kindlab.volumes.plugins.module_utils._core.map.request import FORMATS, Request
from ansible_collections.kindlab.volumes.tests.unit.support import maps

LATER = "2026-11-30T23:59:59Z"
OPTIONS = {
    **dict.fromkeys(("clusters", "kubeconfigs", "backups", "host", "maps", "before", "path")),
    "verify": "fast",
    "format": "html",
    "width": 100,
    "color": False,
}


@pytest.mark.parametrize("form", FORMATS)
def test_the_time_alone_is_no_change(form: str) -> None:
    request = Request(path="/m", format=form)
    first = Plan(request, Observed(maps.shop()))
    assert first.changed
    again = Plan(request, Observed({**maps.shop(), "created": LATER}, existing=first.content))
    assert LATER in again.content and not again.changed
    assert again.diff() == ({}, {})
    other = maps.shop()
    other["hosts"][0]["clusters"][0]["volumes"][0]["seen"]["files"] += 1
    # A diagram shows no files.
    assert Plan(request, Observed(other, existing=first.content)).changed == (form != "mermaid")


@pytest.mark.parametrize("form", FORMATS)
def test_names_cannot_pass_for_the_time(form: str) -> None:
    request = Request(path="/m", format=form)
    first = Plan(request, Observed(maps.hostile()))
    again = Plan(request, Observed({**maps.hostile(), "created": LATER}, existing=first.content))
    assert not again.changed


@pytest.mark.parametrize("form", FORMATS)
def test_another_file_is_replaced(form: str) -> None:
    planned = Plan(Request(path="/m", format=form), Observed(maps.shop(), existing="something else\n"))
    before, after = planned.diff()
    assert planned.changed and before and after


def test_without_a_path_nothing_changes() -> None:
    planned = Plan(Request(format="text"), Observed(maps.shop()))
    assert not planned.changed
    assert "shop/web" in planned.result()["text"]
    assert planned.result()["summary"][1] == "old on box: its nodes are not running"
    assert Plan(Request(), Observed(maps.shop())).result()["text"] == ""


def test_an_earlier_map_is_compared() -> None:
    observed = Observed(maps.shop(), before=maps.lab())
    for form, words in (("html", 'id="changes"'), ("text", "Since the map before: "), ("mermaid", "Since the map")):
        assert words in Plan(Request(format=form), observed).content
        assert words not in Plan(Request(format=form), replace(observed, before=None)).content
    assert {row["change"] for row in Plan(Request(), observed).result()["changes"]} == {"came"}


def test_options() -> None:
    found = Request.from_options({**OPTIONS, "maps": [maps.shop()], "kubeconfigs": {"lab": "~/k"}, "verify": "full"})
    assert (found.maps, found.kubeconfigs, found.full) == ((maps.shop(),), {"lab": "~/k"}, True)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"clusters": []}, "clusters is empty"),
        ({"kubeconfigs": {"lab": "k"}}, "kubeconfigs names 'k' for lab, which is not an absolute path"),
        ({"width": 10}, "width must be at least 40"),
        ({"maps": [{}]}, r"maps\[0\] is not a map"),
    ],
)
def test_options_that_are_refused(options: dict[str, object], said: str) -> None:
    with pytest.raises(BadInput, match=said):
        Request.from_options({**OPTIONS, **options})
