"""Shortened lists, counts, and paths with special characters."""

from __future__ import annotations

import pytest

from ansible_collections.kindlab.volumes.plugins.module_utils._core.text import (
    count,
    listed,
    printable,
    size,
    unescaped,
)


@pytest.mark.parametrize(
    ("items", "text"), [([], ""), (["a"], "a"), (["a", "b"], "a, b"), (["a", "b", "c", "d"], "a, b, and 2 more")]
)
def test_listed(items, text):
    assert listed(items, 2) == listed(iter(items), 2) == text


def test_count():
    assert [count(number, "volume") for number in (0, 1, 2)] == ["0 volumes", "1 volume", "2 volumes"]


@pytest.mark.parametrize(
    ("path", "text"), [("/a b/ä", "/a b/ä"), (b"/a\xff", r'"/a\udcff"'), ("/a\nb", r'"/a\nb"'), ('/"', '/"')]
)
def test_printable(path, text):
    assert printable(path) == text


def test_unescaped():
    assert unescaped(r"/a\040b\134040") == r"/a b\040"


@pytest.mark.parametrize(
    ("number", "text"),
    [
        (0, "0 bytes"),
        (999, "999 bytes"),
        (1000, "1.0 kB"),
        (40_000_000, "40 MB"),
        (1_230_000_000, "1.2 GB"),
        (5_000_000_000_000_000, "5000 TB"),
    ],
)
def test_size(number: int, text: str) -> None:
    assert size(number) == text
