# Copyright: kindlab.volumes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What was proved as a table for people: before and after, in columns as wide as what stands in them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import zip_longest
from typing import Any

NOTHING = "-"
SAME = "the same"
GAP = "  "


def proof_table(rows: Iterable[Mapping[str, Any]]) -> str:
    """Rows of what, before and after as lines of text, without a last newline.

    A list stands in as many lines as it has entries. What is missing is '-'; where no row has a before, there are only
    two columns and no heading.
    """
    found = list(rows)
    compared = any("before" in row for row in found)
    lines: list[tuple[str, ...]] = [("", "before", "after")] if found and compared else []
    for row in found:
        before, after = _cell(row.get("before")), _cell(row.get("after"))
        if compared and before == after != [NOTHING]:
            after = [SAME]
        columns = ([str(row["what"])], before, after) if compared else ([str(row["what"])], after)
        lines += zip_longest(*columns, fillvalue="")
    return "\n".join(_aligned(lines))


def _cell(value: Any) -> list[str]:
    if value is None or value in ("", [], ()):
        return [NOTHING]
    if isinstance(value, bool):
        return ["yes" if value else "no"]
    if isinstance(value, str):
        return value.splitlines()
    if isinstance(value, Sequence):
        return [line for entry in value for line in _cell(entry)]
    return [str(value)]


def _aligned(lines: Sequence[tuple[str, ...]]) -> Iterable[str]:
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    for line in lines:
        yield GAP.join(text.ljust(width) for text, width in zip(line, widths, strict=True)).rstrip()
