"""Drawn worlds: no module fails unforeseen, does more than it was asked, or does other than check mode told."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings

from ansible_collections.kindlab.volumes.tests.unit.support.worlds.chain import chain
from ansible_collections.kindlab.volumes.tests.unit.support.worlds.choices import Choices, choices
from ansible_collections.kindlab.volumes.tests.unit.support.worlds.kubeconfigs import connect
from ansible_collections.kindlab.volumes.tests.unit.support.worlds.properties import play
from ansible_collections.kindlab.volumes.tests.unit.support.worlds.recreation import recreate
from ansible_collections.kindlab.volumes.tests.unit.support.worlds.round_trip import round_trip
from ansible_collections.kindlab.volumes.tests.unit.support.worlds.world import PLACE, World, build

WORLDS = 200


@pytest.mark.parametrize(
    ("number", "ask"),
    [
        (WORLDS * 7 // 20, play),
        (WORLDS * 7 // 20, round_trip),
        (WORLDS // 10, recreate),
        (WORLDS // 10, chain),
        (WORLDS // 10, connect),
    ],
)
def test_what_holds_in_every_world(number: int, ask: Callable[[Choices, World], Iterator[str]]) -> None:
    @settings(max_examples=number)
    @given(choices())
    def every(drawn: Choices) -> None:
        with tempfile.TemporaryDirectory(dir=PLACE) as top, pytest.MonkeyPatch.context() as patch:
            patch.setenv("KUBECONFIG", f"{top}/user")
            patch.setenv("HOME", f"{top}/home")
            assert not list(ask(drawn, build(drawn, Path(top))))

    every()


def test_bytes_draw_the_same_world_again(tmp_path: Path) -> None:
    drawn = Choices(bytes(range(256)) * 6)
    worlds = []
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        worlds.append(build(Choices.from_text(drawn.text), tmp_path / name))
    one, two = (world.api.text().replace(str(world.top), "") for world in worlds)
    assert one == two != build(Choices(b""), tmp_path).api.text()
