"""The last row of a terminal: what is in it, and that the rest scrolls above it and comes back."""

from __future__ import annotations

import pytest

from ansible_collections.kindlab.volumes.plugins.module_utils._core.console import status_row


def test_only_the_last_row_is_kept_from_scrolling() -> None:
    assert "\x1b[1;23r" in status_row.reserve(24)
    assert "\x1b[r" in status_row.release(24)


@pytest.mark.parametrize("sequence", [status_row.reserve(24), status_row.draw(24, 80, "x"), status_row.release(24)])
def test_the_cursor_is_put_back(sequence: str) -> None:
    assert sequence.count("\x1b7") == sequence.count("\x1b8") == 1
    assert sequence.index("\x1b7") < sequence.index("\x1b8")


def test_a_text_fits_and_has_no_control_characters() -> None:
    drawn = status_row.draw(24, 10, "a\nb\x1b[2J" + "x" * 20)
    assert "a b [2Jxx" in drawn and "xxx" not in drawn and "\n" not in drawn
