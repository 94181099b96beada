"""The container engines are listed once; documentation, which cannot import the list, agrees with it."""

from __future__ import annotations

import re
from pathlib import Path

import yaml

from ansible_collections.kindlab.volumes.plugins.module_utils._core.engines import ENGINES

ROOT = Path(__file__).resolve().parents[3]


def test_the_documentation_fragment_has_all_engines() -> None:
    (path,) = (ROOT / "plugins" / "doc_fragments").glob("*engine.py")
    text = path.read_text()
    option = yaml.safe_load(text.split('r"""')[1].split('"""')[0])["options"]["engine"]
    assert option["choices"] == ["auto", *ENGINES]


def test_no_other_module_lists_engines() -> None:
    """Two names in one file would be a second list; a single one may be an example."""
    names = re.compile(rf"[\"']({'|'.join(ENGINES)})[\"']")
    modules = (ROOT / "plugins").rglob("*.py")
    listing = [path.name for path in modules if len(set(names.findall(path.read_text()))) > 1]
    assert listing == ["engines.py"]
