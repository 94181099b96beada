"""The options of volume_prune and what they select."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.kindlab.volumes.plugins.module_utils._action.volume_prune import ARGUMENTS
from ansible_collections.kindlab.volumes.plugins.module_utils._core.errors import BadInput
from ansible_collections.kindlab.volumes.plugins.module_utils._core.options import defaults
from ansible_collections.kindlab.volumes.plugins.module_utils._core.prune.model import DIRECTORY, TRASH, VOLUME, Item
from ansible_collections.kindlab.volumes.plugins.module_utils._core.prune.request import Request

ITEM = Item(DIRECTORY, "/srv/a", "/srv/a", "/srv", volume="pv", claim="ns/c", since=1_000)


def request(**options: Any) -> Request:
    return Request.from_options({**defaults(ARGUMENTS), **options})


@pytest.mark.parametrize(
    ("age", "seconds"),
    [("0", 0), ("90", 90), ("90s", 90), ("2m", 120), ("1h", 3_600), (" 30d ", 2_592_000), ("1w", 604_800)],
)
def test_ages(age: str, seconds: int) -> None:
    assert request(older_than=age).older_than == seconds


@pytest.mark.parametrize("age", ["", "d", "-1d", "1.5h", "1y", "30 d", "9" * 10, "\u0661d"])
def test_what_is_no_age(age: str) -> None:
    with pytest.raises(BadInput, match="is not an age"):
        request(older_than=age)


@pytest.mark.parametrize(
    ("options", "selected"),
    [
        ({}, False),
        ({"kinds": ["directory"]}, False),
        ({"names": ["/srv/a"]}, True),
        ({"names": ["/srv/./a/"]}, True),
        ({"names": ["a"]}, True),
        ({"names": ["pv"]}, False),
        ({"names": ["a"], "kinds": ["volume"]}, False),
        ({"matching": ["b", "n?/*"]}, True),
        ({"matching": ["PV"]}, False),
        ({"older_than": "9000"}, True),
        ({"older_than": "9001"}, False),
        ({"older_than": "9001", "names": ["a"]}, False),
    ],
)
def test_selection(options: dict[str, Any], selected: bool) -> None:
    assert request(**options).selects(ITEM, 10_000) == selected


def test_without_a_time_nothing_is_old() -> None:
    assert not request(older_than="0").selects(Item(VOLUME, "pv"), 10_000)


def test_the_trash_is_selected_by_kind_or_whole_path() -> None:
    item = Item(TRASH, "/srv/t/a", "/srv/t/a", "/srv", since=0)
    for options in ({"older_than": "0"}, {"names": ["a"]}, {"matching": ["*"]}):
        assert not request(**options).selects(item, 10)
    for options in ({"older_than": "0", "kinds": ["trash"]}, {"names": ["/srv/t/a"]}):
        assert request(**options).selects(item, 10)
