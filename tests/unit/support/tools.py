"""Loads a script of tools/, which imports its neighbours by names that others may have, too."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.kindlab.volumes.tests.unit.support.checkout import CHECKOUT

TOOLS = CHECKOUT / "tools"


def tool(name: str, monkeypatch: pytest.MonkeyPatch) -> Any:
    """The script as a module of this test's own. Skips where there are no tools: they are not in the collection."""
    if not TOOLS.exists():
        pytest.skip("the tools are not part of the built collection")
    monkeypatch.syspath_prepend(str(TOOLS))
    try:
        return importlib.import_module(name)
    finally:
        for key, module in list(sys.modules.items()):
            if Path(getattr(module, "__file__", None) or "/").parent == TOOLS:
                del sys.modules[key]
