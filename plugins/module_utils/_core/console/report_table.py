# Copyright: kindlab.volumes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Text table of a report: what was compared, before and after."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import zip_longest
from typing import Any

MISSING = "-"
SAME = "the same"
GAP = "  "


def report_table(rows: Iterable[Mapping[str, Any]]) -> str:
    """The lines of a table, without a final newline. Rows are mappings of `what`, `before` and `after`.

    A list takes one line for each entry. A missing value is '-'. If no row has `before`, there are two columns and no
    header.
    """
    table = list(rows)
    compared = any("before" in row for row in table)
    lines: list[tuple[str, ...]] = [("", "before", "after")] if table and compared else []
    for row in table:
        before, after = _cell(row.get("before")), _cell(row.get("after"))
        if compared and before == after != [MISSING]:
            after = [SAME]
        columns = ([str(row["what"])], before, after) if compared else ([str(row["what"])], after)
        lines += zip_longest(*columns, fillvalue="")
    return "\n".join(aligned(lines))


def _cell(value: Any) -> list[str]:
    if value is None or value in ("", [], ()):
        return [MISSING]
    if isinstance(value, bool):
        return ["yes" if value else "no"]
    if isinstance(value, str):
        return value.splitlines()
    if isinstance(value, Sequence):
        return [line for entry in value for line in _cell(entry)]
    return [str(value)]


def aligned(lines: Sequence[tuple[str, ...]]) -> Iterable[str]:
    """The lines of columns, each as wide as its content."""
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    for line in lines:
        yield GAP.join(text.ljust(width) for text, width in zip(line, widths, strict=True)).rstrip()
