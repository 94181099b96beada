"""The journal of recreations: what is written is read again, whatever was cut off, and the last one counts."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.kindlab.volumes.plugins.module_utils._core.errors import BadInput
from ansible_collections.kindlab.volumes.plugins.module_utils._core.recreate.journal import (
    GIVEN_BACK,
    STEPS,
    Begun,
    Line,
    last,
    read,
    to_text,
)

FACTS = st.dictionaries(
    st.text().filter(lambda name: name not in ("step", "at")),
    st.none() | st.integers() | st.text() | st.lists(st.text()) | st.dictionaries(st.text(), st.booleans()),
    max_size=3,
)
LINES = st.lists(st.builds(Line, st.sampled_from((*STEPS, GIVEN_BACK)), st.text(), FACTS), max_size=5)


def lines(text: str) -> list[Line]:
    """Lines from words, 'back' for given back."""
    return [Line(GIVEN_BACK if word == "back" else word) for word in text.split()]


@given(LINES)
def test_what_is_written_is_read(written: list[Line]) -> None:
    text = "".join(map(to_text, written))
    assert text.count("\n") == len(written)
    assert list(read(text, "j")) == written


@given(LINES, st.builds(Line, st.sampled_from(STEPS), st.text(), FACTS), st.data())
def test_a_line_that_was_cut_is_left_out(written: list[Line], cut: Line, data: st.DataObject) -> None:
    """Wherever it was cut, and also where later lines follow it."""
    text = "".join(map(to_text, written))
    whole = to_text(cut).removesuffix("\n")
    torn = whole[: data.draw(st.integers(0, len(whole) - 1))]
    assert list(read(text + torn, "j")) == written
    assert list(read(f"{text}{torn}\n{text}", "j")) == written * 2


def test_blocks_that_a_crash_left_empty_are_left_out() -> None:
    assert read(f"{to_text(Line('planned'))}\0\0\0\0", "j") == (Line("planned"),)


@pytest.mark.parametrize("line", ["[]", "7", "{}", '{"step": "deletd"}', '{"step": null}', '{"step": ["done"]}'])
def test_whole_lines_of_something_else_are_refused(line: str) -> None:
    with pytest.raises(BadInput, match="Line 2 of the journal /b/j names no step") as raised:
        read(f"{to_text(Line('planned'))}{line}\n", "/b/j")
    assert "moved away" in raised.value.next_step


def test_lines_are_plain_json_with_the_facts_beside_the_step() -> None:
    text = to_text(Line("saved", "2026-11-23T06:57:00Z", {"generation": "000001-x"}))
    assert json.loads(text) == {"step": "saved", "at": "2026-11-23T06:57:00Z", "generation": "000001-x"}


def test_nothing_begun_has_ended() -> None:
    assert last([]) == Begun((), {})
    assert last([]).ended


@pytest.mark.parametrize(
    ("text", "steps", "ended"),
    [
        ("planned", "planned", False),
        ("planned detached saved", "planned detached saved", False),
        # The last recreation counts.
        ("planned detached planned", "planned", False),
        (" ".join(STEPS) + " planned detached", "planned detached", False),
        (" ".join(STEPS), " ".join(STEPS), True),
        # Refused at the deletion, and given back: an end, also where it had come far.
        ("planned detached back", "planned detached back", True),
        ("planned detached saved deleting back", "planned detached saved deleting back", True),
        ("planned detached saved deleting back planned", "planned", False),
        # Gone once more: all that followed the first deletion has to be done again.
        (" ".join(STEPS) + " deleted", "planned detached saved deleting deleted", False),
        (" ".join(STEPS) + " deleted created", "planned detached saved deleting deleted created", False),
        ("planned saved deleting deleted created verified deleted", "planned saved deleting deleted", False),
        ("planned saved back deleted created", "planned saved deleted created", False),
        # A run that goes on writes its steps again, and what was verified stays so.
        ("planned deleting deleted created created", "planned deleting deleted created created", False),
        ("planned deleting deleted verified created", "planned deleting deleted verified created", False),
    ],
)
def test_the_last_recreation(text: str, steps: str, ended: bool) -> None:
    found = last(lines(text))
    assert found.steps == tuple(line.step for line in lines(steps))
    assert found.ended is ended


def test_facts_of_the_last_recreation_together() -> None:
    written = [
        Line("planned", "", {"cluster": "a", "old": 1}),
        Line("saved", "", {"generation": "1"}),
        Line("planned", "", {"cluster": "b"}),
        Line("saved", "", {"generation": "2"}),
        Line("deleted", "", {"generation": "3"}),
    ]
    assert last(written).facts == {"cluster": "b", "generation": "3"}
    assert last(written[:3]).facts == {"cluster": "b"}
