"""Manifests as text: the same objects come back, and equal objects give equal texts."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.kindlab.volumes.plugins.module_utils._core.errors import BadInput
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.kube.manifests import (
    from_text,
    manifests_of,
    to_text,
)

# What YAML has no form for can't be in an object of the API either.
words = st.text(st.characters(exclude_categories=("Cs", "Cn")), max_size=8)
values: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | words,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(words, inner, max_size=3),
    max_leaves=6,
)
objects = st.lists(st.fixed_dictionaries({"kind": words, "metadata": values, "spec": values}), max_size=3)


@given(objects)
def test_comes_back_as_it_was(found: list[dict[str, Any]]) -> None:
    assert from_text(to_text(found)) == found
    assert from_text(to_text(found).encode()) == found


def test_the_order_of_keys_does_not_matter() -> None:
    one = {"kind": "X", "metadata": {"name": "a", "annotations": {"b": "1", "a": "2"}}}
    other = {"metadata": {"annotations": {"a": "2", "b": "1"}, "name": "a"}, "kind": "X"}
    assert to_text([one]) == to_text([other])


def test_it_is_readable() -> None:
    assert to_text([{"kind": "X", "items": ["on", "1Gi"]}] * 2) == (
        "---\nitems:\n- 'on'\n- 1Gi\nkind: X\n---\nitems:\n- 'on'\n- 1Gi\nkind: X\n"
    )


@pytest.mark.parametrize(
    "text, why",
    [
        ("a: {", "did not find"),
        ("words", "not a Kubernetes object"),
        ("---\n", "not a Kubernetes object"),
        ("a: !!bool z", "'z'"),
        ("a: !!timestamp z", "groupdict"),
        ("a: 2001-99-99", "month"),
        ("a: 2001-01-01", "not a Kubernetes object"),
        ("1: a", "not a Kubernetes object"),
        ("a: &b {c: *b}", "not a Kubernetes object"),
        (
            "a0: &a0 [x]\n" + "".join(f"a{n}: &a{n} [{f'*a{n - 1},' * 10}]\n" for n in range(1, 20)),
            "not a Kubernetes object",
        ),
        ("a: " + "[" * 101 + "]" * 101, "nested deeper than 100"),
        # The C library of PyYAML 6.0.4 counts as well, ahead of what it hands over.
        ("a: " + "[" * 100_000, "nest(ed deeper than 100|ing depth)"),
        ("- " * 100_000, "nested deeper than 100"),
        (b"a: \xff", "invalid"),
    ],
    ids=lambda value: str(value[:12]),
)
def test_what_was_not_written_by_a_backup_is_refused(text: str | bytes, why: str) -> None:
    with pytest.raises(BadInput, match=f"^/b/manifests.yaml does not contain valid manifests: .*{why}"):
        from_text(text, "/b/manifests.yaml")


@pytest.mark.parametrize(
    "text, names",
    [
        ("", []),
        ("---\n---\n", []),
        ("kind: A\nmetadata: {name: a}\n---\nkind: B\nmetadata: {name: b}\n", ["a", "b"]),
        ("kind: A\nmetadata: {name: a}\n---\nwords\n", []),
        ("kind: A\nmetadata: {name: 1}\n", []),
        ("kind: A\n", []),
        ("kind: [A]\nmetadata: {name: a}\n", []),
        ("kind: A\nmetadata: words\n", []),
        ("a: {", []),
        ("- a\n", []),
        ("a: !!bool z", []),
        ("[" * 100_000, []),
    ],
)
def test_what_somebody_else_wrote(text: str, names: list[str]) -> None:
    assert [item["metadata"]["name"] for item in manifests_of(text)] == names
