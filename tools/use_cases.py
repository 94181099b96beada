"""The use cases, in the order in which they run, and the clusters that each of them creates."""

from __future__ import annotations

import json

from paths import ROOT

_LIST = json.loads((ROOT / "playbooks" / "vars" / "use_cases.json").read_text())
PREFIX: str = _LIST["kindlab_prefix"]
USE_CASES: dict[str, list[str]] = {case["name"]: case["clusters"] for case in _LIST["kindlab_use_cases"]}


def finished(name: str, prefix: str = PREFIX) -> list[str]:
    """The full names of the clusters of a use case that no later one needs."""
    names = list(USE_CASES)
    later = {cluster for other in names[names.index(name) + 1 :] for cluster in USE_CASES[other]}
    return [f"{prefix}-{cluster}" for cluster in USE_CASES[name] if cluster not in later]
