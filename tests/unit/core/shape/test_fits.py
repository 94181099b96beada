"""Schemas: types, lists, fields that must be there, and fields of any name."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.kindlab.volumes.plugins.module_utils._core.shape.fits import fits


@pytest.mark.parametrize(
    ("value", "schema", "matches"),
    [
        ("x", str, True),
        (None, str, False),
        ([], [str], True),
        (["x", 7], [str], False),
        ("x", [str], False),
        ({}, {"a": str}, True),
        ({}, {"a!": str}, False),
        ({"a": None}, {"a!": str}, False),
        ({"a": "x", "b": 7}, {"a!": str}, True),
        ({"a": "x", "b": 7}, {"a!": str, "*": object}, True),
        ({"a": "x", "b": "y"}, {"a!": str, "*": int}, False),
        (None, {}, False),
        ({"a": {"b": ["x"]}}, {"a": {"b": [str]}}, True),
        ({"a": {"b": [{}]}}, {"a": {"b": [{"c!": str}]}}, False),
    ],
)
def test_values_and_schemas(value: Any, schema: Any, matches: bool) -> None:
    assert fits(value, schema) is matches
