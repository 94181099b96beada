# Copyright: kindlab.volumes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The plan of an adoption as people edit it: a row for each directory."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from typing import Any

from ansible_collections.kindlab.volumes.plugins.module_utils._core.errors import BadInput
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kube.objects import Object
from ansible_collections.kindlab.volumes.plugins.module_utils._core.options import conform

MODES = ["ReadWriteOnce", "ReadOnlyMany", "ReadWriteMany", "ReadWriteOncePod"]
ROW: dict[str, dict[str, Any]] = {
    "directory": {"type": "path", "required": True},
    "volume": {"type": "str", "required": True},
    "claim": {"type": "str", "required": True},
    "storage_class": {"type": "str", "default": ""},
    "capacity": {"type": "str", "required": True},
    "access_modes": {"type": "list", "elements": "str", "choices": MODES, "default": ["ReadWriteOnce"]},
    "nodes": {"type": "list", "elements": "str", "default": []},
}
FILE: dict[str, dict[str, Any]] = {"volumes": {"type": "list", "elements": "dict", "options": ROW, "required": True}}


@dataclass(frozen=True)
class Row:
    """A directory of the host, and what it becomes.

    claim: 'namespace/name', '' if it is not known yet. nodes: those of the node affinity, () for all.
    """

    directory: str
    volume: str
    claim: str
    storage_class: str
    capacity: str
    access_modes: tuple[str, ...] = ("ReadWriteOnce",)
    nodes: tuple[str, ...] = ()

    def as_dict(self) -> Object:
        """The row in a plan, and in the module's result."""
        return {name: list(value) if isinstance(value, tuple) else value for name, value in asdict(self).items()}


def read_rows(content: Any, where: str, expand: Callable[[str], str] = str) -> tuple[Row, ...]:
    """The rows of a plan. where: its file, for errors. expand: of a path. Raises BadInput for anything else."""
    if not isinstance(content, Mapping):
        raise BadInput(f"{where} is not a plan: it has no list volumes.", next_step=f"Correct {where}.")
    options = conform(content, FILE, where, expand)
    return tuple(
        Row(**{**row, "access_modes": tuple(row["access_modes"]), "nodes": tuple(row["nodes"])})
        for row in map(_complete, options["volumes"])
    )


def _complete(row: Mapping[str, Any]) -> Object:
    return {name: row.get(name) or option.get("default", "") for name, option in ROW.items()}
