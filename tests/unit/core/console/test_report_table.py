"""Columns are as wide as their content, equal values are shown once, and no line ends with blanks."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.kindlab.volumes.plugins.filter._report_table import FilterModule
from ansible_collections.kindlab.volumes.plugins.module_utils._core.console.report_table import (
    WIDTH,
    columns_table,
    report_table,
)

CELLS = st.none() | st.booleans() | st.integers() | st.text() | st.lists(st.text(alphabet="ab c"), max_size=3)
ROWS = st.lists(st.fixed_dictionaries({"what": st.text(alphabet="abc ", min_size=1), "before": CELLS, "after": CELLS}))


def test_before_and_after() -> None:
    assert report_table(
        [
            {"what": "node", "before": "lab-worker", "after": "lab-worker2"},
            {"what": "reclaim policy", "before": "Delete", "after": "Retain"},
            {"what": "claim", "before": "default/test", "after": "default/test"},
        ]
    ).splitlines() == [
        "                before        after",
        "node            lab-worker    lab-worker2",
        "reclaim policy  Delete        Retain",
        "claim           default/test  the same",
    ]


def test_a_list_takes_several_lines() -> None:
    rows = [{"what": "pods", "before": ["set-0", "set-1"], "after": ["set-0 on one", "set-1 on two", "set-2"]}]
    assert report_table(rows).splitlines() == [
        "      before  after",
        "pods  set-0   set-0 on one",
        "      set-1   set-1 on two",
        "              set-2",
    ]


def test_rows_without_before_have_two_columns() -> None:
    rows = [{"what": "class", "after": "standard"}, {"what": "default", "after": True}]
    assert report_table(rows).splitlines() == ["class    standard", "default  yes"]


@pytest.mark.parametrize("nothing", [None, "", []])
def test_a_missing_value_is_a_dash(nothing: Any) -> None:
    rows = [{"what": "volume", "before": nothing, "after": "pv"}, {"what": "host", "before": nothing, "after": nothing}]
    assert report_table(rows).splitlines() == ["        before  after", "volume  -       pv", "host    -       -"]


def test_false_and_zero_are_values() -> None:
    rows = [{"what": "shared", "before": False, "after": True}, {"what": "lost", "before": 3, "after": 0}]
    assert report_table(rows).splitlines() == ["        before  after", "shared  no      yes", "lost    3       0"]


def test_without_rows_the_table_is_empty() -> None:
    assert report_table([]) == ""


@given(ROWS)
def test_after_begins_in_one_column(rows: list[dict[str, Any]]) -> None:
    lines = report_table(rows).split("\n")
    assert all(line == line.rstrip() for line in lines)
    if rows:
        column = lines[0].index("after")
        assert all(line[column - 2 : column].strip() == "" for line in lines)


def test_the_filter_is_the_table() -> None:
    assert FilterModule().filters() == {"_report_table": report_table}


def test_columns_have_a_heading_and_none_is_empty() -> None:
    rows = [{"claim": "default/test", "node": "a", "backup": ""}, {"claim": "b", "node": ["c", "d"]}]
    assert columns_table(rows, ["claim", "node", "backup", "more"]).splitlines() == [
        "claim         node",
        "default/test  a",
        "b             c",
        "              d",
    ]
    assert columns_table([], ["claim"]) == columns_table([{"claim": ""}], ["claim"]) == ""


def test_a_row_that_is_too_long_is_a_block() -> None:
    rows = [{"claim": "a", "data": "x" * WIDTH, "node": ["c", "d"]}, {"claim": "b", "data": "y", "node": ""}]
    assert columns_table(rows, ["claim", "data", "node"]).splitlines() == [
        "a",
        f"  data  {'x' * WIDTH}",
        "  node  c",
        "        d",
        "b",
        "  data  y",
    ]


@given(st.lists(st.fixed_dictionaries({"a": CELLS, "b": CELLS})))
def test_no_line_of_columns_ends_with_blanks(rows: list[dict[str, Any]]) -> None:
    assert [line for line in columns_table(rows, ["a", "b"]).split("\n") if line.endswith(" ")] == []
