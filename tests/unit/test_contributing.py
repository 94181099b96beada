"""CONTRIBUTING.md: each invariant says where it is enforced and tested, and these files exist."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
TEXT = (ROOT / "CONTRIBUTING.md").read_text().partition("## Invariants")[2].partition("\n## ")[0]
INVARIANTS = re.split(r"^(?=\d+\. )", TEXT, flags=re.MULTILINE)[1:]


@pytest.mark.parametrize("invariant", INVARIANTS, ids=lambda text: text.partition(".")[0])
def test_an_invariant_says_where_it_is_enforced_and_tested(invariant: str) -> None:
    enforced, found, tested = invariant.partition(" Tested: ")
    assert found and "Enforced: " in enforced
    places = {
        ROOT / "plugins" / "module_utils": re.findall(r"`([\w/]+\.py)`", enforced.partition("Enforced: ")[2]),
        ROOT / "tests": re.findall(r"`([\w/]+\.py)`", tested),
    }
    for top, files in places.items():
        assert files
        # An installed collection has no tests of faults.
        files = [file for file in files if not file.startswith("faults/") or (ROOT / "tests" / "faults").is_dir()]
        assert [file for file in files if not (top / file).is_file()] == []


def test_invariants_are_numbered() -> None:
    assert [int(text.partition(".")[0]) for text in INVARIANTS] == list(range(1, len(INVARIANTS) + 1))
    assert len(INVARIANTS) > 10
