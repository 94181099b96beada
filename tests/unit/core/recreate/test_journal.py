"""The journal of recreations: what is written is read again, whatever was cut off, and the last one counts."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.kindlab.volumes.plugins.module_utils._core.errors import BadInput
from ansible_collections.kindlab.volumes.plugins.module_utils._core.recreate.journal import (
    ENTRIES,
    RESUMED,
    ROLLED_BACK,
    Entry,
    Progress,
    latest,
    read,
    to_text,
)

FACTS = st.dictionaries(
    st.text().filter(lambda name: name not in ("step", "at")),
    st.none() | st.integers() | st.text() | st.lists(st.text()) | st.dictionaries(st.text(), st.booleans()),
    max_size=3,
)
UNTIL = " ".join(ENTRIES[: ENTRIES.index("deleting")])
LINES = st.lists(st.builds(Entry, st.sampled_from((*ENTRIES, ROLLED_BACK, RESUMED)), st.text(), FACTS), max_size=5)


def lines(text: str) -> list[Entry]:
    """Lines from words, 'back' for rolled back."""
    return [Entry(ROLLED_BACK if word == "back" else word) for word in text.split()]


@given(LINES)
def test_what_is_written_is_read(written: list[Entry]) -> None:
    text = "".join(map(to_text, written))
    assert text.count("\n") == len(written)
    assert list(read(text, "j")) == written


@given(LINES, st.builds(Entry, st.sampled_from(ENTRIES), st.text(), FACTS), st.data())
def test_a_line_that_was_cut_is_left_out(written: list[Entry], cut: Entry, data: st.DataObject) -> None:
    """Wherever it was cut, and also where later lines follow it."""
    text = "".join(map(to_text, written))
    whole = to_text(cut).removesuffix("\n")
    torn = whole[: data.draw(st.integers(0, len(whole) - 1))]
    assert list(read(text + torn, "j")) == written
    assert list(read(f"{text}{torn}\n{text}", "j")) == written * 2


def test_blocks_that_a_crash_left_empty_are_left_out() -> None:
    assert read(f"{to_text(Entry('planned'))}\0\0\0\0", "j") == (Entry("planned"),)


@pytest.mark.parametrize("line", ["[]", "7", "{}", '{"step": "deletd"}', '{"step": null}', '{"step": ["done"]}'])
def test_whole_lines_of_something_else_are_refused(line: str) -> None:
    with pytest.raises(BadInput, match="Line 2 of the journal /b/j is not a valid entry") as raised:
        read(f"{to_text(Entry('planned'))}{line}\n", "/b/j")
    assert "mv " in raised.value.next_step


def test_lines_are_plain_json_with_the_facts_beside_the_step() -> None:
    text = to_text(Entry("backed_up", "2026-11-23T06:57:00Z", {"generation": "000001-x"}))
    assert json.loads(text) == {"step": "backed_up", "at": "2026-11-23T06:57:00Z", "generation": "000001-x"}


def test_nothing_begun_has_ended() -> None:
    assert latest([]) == Progress((), {})
    assert latest([]).ended


@pytest.mark.parametrize(
    ("text", "steps", "ended"),
    [
        ("planned", "planned", False),
        ("planned detached backed_up", "planned detached backed_up", False),
        # The last recreation counts.
        ("planned detached planned", "planned", False),
        (" ".join(ENTRIES) + " planned detached", "planned detached", False),
        (" ".join(ENTRIES), " ".join(ENTRIES), True),
        # Refused at the deletion, and rolled back: an end, also where it had come far.
        ("planned detached back", "planned detached back", True),
        ("planned detached backed_up deleting back", "planned detached backed_up deleting back", True),
        ("planned detached backed_up deleting back planned", "planned", False),
        # Gone once more: all that followed the first deletion has to be done again.
        (" ".join(ENTRIES) + " deleted", f"{UNTIL} deleting deleted", False),
        (" ".join(ENTRIES) + " deleted created", f"{UNTIL} deleting deleted created", False),
        ("planned backed_up deleting deleted created verified deleted", "planned backed_up deleting deleted", False),
        ("planned backed_up back deleted created", "planned backed_up deleted created", False),
        # A run that goes on writes its steps again, and what was verified stays so.
        ("planned deleting deleted created resumed created", "planned deleting deleted created created", False),
        ("planned deleting deleted verified created", "planned deleting deleted verified created", False),
    ],
)
def test_the_last_recreation(text: str, steps: str, ended: bool) -> None:
    found = latest(lines(text))
    assert found.finished == tuple(line.step for line in lines(steps))
    assert found.ended is ended


def test_facts_of_the_last_recreation_together() -> None:
    written = [
        Entry("planned", "", {"cluster": "a", "old": 1}),
        Entry("backed_up", "", {"generation": "1"}),
        Entry("planned", "", {"cluster": "b"}),
        Entry("backed_up", "", {"generation": "2"}),
        Entry("deleted", "", {"generation": "3"}),
    ]
    assert latest(written).facts == {"cluster": "b", "generation": "3"}
    assert latest(written[:3]).facts == {"cluster": "b"}
