# Copyright: kindlab.volumes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The last row of a terminal, kept apart from what scrolls above it, so that neither writes over the other."""

from __future__ import annotations

# Control sequences of ECMA-48, as all terminals have them that are not called dumb.
_SAVE, _RESTORE = "\x1b7", "\x1b8"
_ERASE = "\x1b[2K"
_NO_WRAP, _WRAP = "\x1b[?7l", "\x1b[?7h"
# Rows that a terminal has at least if one of them is taken.
LEAST = 4


def reserve(rows: int) -> str:
    """Keep the last of the rows from scrolling; the cursor stays above it."""
    return f"\n{_SAVE}\x1b[1;{rows - 1}r{_RESTORE}\x1b[1A"


def draw(rows: int, columns: int, text: str) -> str:
    """Write a text into the last row."""
    shown = "".join(char if char.isprintable() else " " for char in text)[: columns - 1]
    return f"{_SAVE}\x1b[{rows};1H{_ERASE}{_NO_WRAP}{shown}{_WRAP}{_RESTORE}"


def release(rows: int) -> str:
    """Clear the last row, and let it scroll again."""
    return f"{_SAVE}\x1b[r\x1b[{rows};1H{_ERASE}{_RESTORE}"
