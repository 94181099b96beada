"""Makes this collection importable whatever its folder is called, and properties independent of the machine's speed."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from types import ModuleType

from hypothesis import HealthCheck, settings

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

settings.register_profile(
    "kindlab",
    database=None,
    deadline=None,
    derandomize=os.environ.get("CI") == "true",
    suppress_health_check=[HealthCheck.too_slow],
)
settings.load_profile("kindlab")
