"""How long applications were away, from the times in the journal."""

from __future__ import annotations

import pytest

from ansible_collections.kindlab.volumes.plugins.module_utils._core.recreate.journal import Entry
from ansible_collections.kindlab.volumes.plugins.module_utils._core.recreate.running.times import away, between


def journal(text: str) -> list[Entry]:
    """Entries from 'second step' pairs."""
    words = text.split()
    return [
        Entry(step, f"2026-11-30T06:00:{int(second):02}.000Z")
        for second, step in zip(words[::2], words[1::2], strict=True)
    ]


@pytest.mark.parametrize(
    ("first", "last", "seconds"),
    [
        ("2026-11-30T06:00:00.250Z", "2026-11-30T06:01:00.750Z", 60.5),
        ("2026-11-30T06:00:00Z", "2026-11-30T06:00:03Z", 3),
        ("2026-11-30T06:00:03Z", "2026-11-30T06:00:00Z", None),
        ("", "2026-11-30T06:00:00Z", None),
        ("yesterday", "today", None),
        ("2026-11-30T06:00:00", "2026-11-30T06:00:00Z", None),
    ],
)
def test_between(first: str, last: str, seconds: float | None) -> None:
    assert between(first, last) == seconds


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("1 planned 3 images_saved 5 detached 7 backed_up 8 deleting 20 created 30 applied 34 attached 40 done", 31),
        # Nothing is scaled back up: they are back when they are created.
        ("1 planned 3 detached 8 deleting 20 created 30 applied 40 completed 41 done", 29),
        ("1 planned 3 detached 4 backed_up 5 deleting 6 deleted 30 created", None),
        ("1 planned 3 detached 4 rolled_back", None),
        # An earlier run stopped them, and was killed.
        ("1 planned 3 detached 10 planned 11 detached 12 deleting 13 created 20 attached 21 done", 19),
        ("1 planned 3 detached 4 rolled_back 10 planned 11 detached 12 deleting 13 created 20 attached 21 done", 10),
        # The latest recreation counts.
        ("1 planned 2 detached 9 attached 10 done 20 planned 21 detached", None),
        ("1 planned 2 detached 9 attached 10 done 20 planned 22 detached 30 attached", 10),
        # When it was deleted by somebody else is not known.
        ("1 planned 2 detached 9 attached 10 done 20 deleted 30 created 40 attached 41 done", None),
        ("", None),
    ],
)
def test_away(text: str, seconds: float | None) -> None:
    assert away(journal(text)) == seconds
