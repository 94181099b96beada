"""The form of a map: what the module returns has it, and nothing else is taken."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import pytest

from ansible_collections.kindlab.volumes.plugins.module_utils._core.errors import BadInput
from ansible_collections.kindlab.volumes.plugins.module_utils._core.map.model import checked
from ansible_collections.kindlab.volumes.tests.unit.support import maps


@pytest.mark.parametrize("make", [maps.shop, maps.large, maps.hostile, maps.lab], ids=lambda make: make.__name__)
def test_a_map_is_taken(make: Callable[[], Any]) -> None:
    made = make()
    assert checked(made, "maps[0]") == made


@pytest.mark.parametrize(
    "damage",
    [
        lambda made: made.pop("created"),
        lambda made: made.update(format=2),
        lambda made: made.update(format="1"),
        lambda made: made["hosts"][0]["clusters"][0]["volumes"][0].pop("survives"),
        lambda made: made["hosts"][0]["clusters"][0]["volumes"][0].update(survives="maybe"),
        lambda made: made["hosts"][0]["clusters"][0]["nodes"][0].update(mounts=None),
    ],
)
def test_another_thing_is_refused(damage: Callable[[Any], Any]) -> None:
    made = copy.deepcopy(maps.shop())
    damage(made)
    with pytest.raises(BadInput, match=r"^maps\[0\] is not a map of format 1"):
        checked(made, "maps[0]")


@pytest.mark.parametrize("value", [None, [], "text", 1, {}])
def test_what_is_no_mapping_is_refused(value: Any) -> None:
    with pytest.raises(BadInput, match="is not a map"):
        checked(value, "before=/m")
