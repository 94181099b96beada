"""Makes ansible_collections.kindlab.volumes importable from where these tests are, whatever that folder is called."""

from __future__ import annotations

import sys
from pathlib import Path
from types import ModuleType

ROOT = Path(__file__).resolve().parents[2]


def package(name: str, *places: Path) -> None:
    """Declare a namespace package; an installed copy elsewhere must not be tested by mistake."""
    module = ModuleType(name)
    module.__path__ = [str(place) for place in places]
    sys.modules[name] = module
    parent, _dot, child = name.rpartition(".")
    if parent:
        setattr(sys.modules[parent], child, module)


package("ansible_collections")
package("ansible_collections.kindlab")
package("ansible_collections.kindlab.volumes", ROOT)
