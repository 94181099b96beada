# Copyright: kindlab.volumes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Text tables: what was compared, before and after, and rows with columns of their own."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import zip_longest
from typing import Any

MISSING = "-"
SAME = "the same"
GAP = "  "
# A table that is wider has a block for each row instead.
WIDTH = 140


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


def columns_table(rows: Iterable[Mapping[str, Any]], columns: Sequence[str]) -> str:
    """The lines of a table with these columns, without a final newline; '' without rows.

    A column that no row has a value for is left out. Where a line would be longer than WIDTH, each row is a block: the
    first value, and below it the others with their columns' names.
    """
    cells = [[_cell(row.get(column)) for column in columns] for row in rows]
    used = [number for number in range(len(columns)) if any(row[number] != [MISSING] for row in cells)]
    names = [columns[number] for number in used]
    table = [[row[number] for number in used] for row in cells]
    lines: list[tuple[str, ...]] = [tuple(names)] if table else []
    for row in table:
        lines += zip_longest(*row, fillvalue="")
    text = list(aligned(lines)) if names else []
    if max(map(len, text), default=0) > WIDTH:
        text = [line for row in table for line in _block(names, row)]
    return "\n".join(text)


def _block(names: Sequence[str], row: Sequence[Sequence[str]]) -> Iterable[str]:
    yield from map(str.rstrip, row[0])
    lines: list[tuple[str, ...]] = []
    for name, value in zip(names[1:], row[1:]):
        if value != [MISSING]:
            lines += zip_longest([f"  {name}"], value, fillvalue="")
    yield from aligned(lines)


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
    if not lines:
        return
    widths = [max(map(len, column)) for column in zip(*lines)]
    for line in lines:
        yield GAP.join(text.ljust(width) for text, width in zip(line, widths)).rstrip()
