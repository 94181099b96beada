# Copyright: kindlab.volumes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The map of clusters as data, which is what format=json writes: its form, and what it is made of."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.kindlab.volumes.plugins.module_utils._core.backup.catalog import Catalog
from ansible_collections.kindlab.volumes.plugins.module_utils._core.errors import BadInput
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kind.nodes import Node
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kube.objects import Object
from ansible_collections.kindlab.volumes.plugins.module_utils._core.shape.fits import fits
from ansible_collections.kindlab.volumes.plugins.module_utils._core.volumes.obstacles import SURVIVES

FORMAT = 1
# Of a volume's data in comparison with its backup. As far as number, size and time of files tell.
EQUAL, CHANGED, MANIFEST, UNKNOWN = STATES = ("equal", "changed", "manifest", "unknown")

_SEEN = {"bytes": int, "files": int, "changed": str, "complete": bool}
_VOLUME = {
    **dict.fromkeys(("name!", "claim!", "phase!", "claim_phase!", "storage_class!", "reclaim_policy!"), str),
    **dict.fromkeys(("capacity!", "location!", "data!", "place!", "node_directory!", "host_directory!"), str),
    **dict.fromkeys(("mismatch!", "survives_why!", "survives_next_step!"), str),
    "survives!": set(SURVIVES),
    "nodes!": [str],
    "pods!": [str],
    "workloads!": [str],
    "seen!": _SEEN,
    "backup!": {"generation": str, "created": str, "state": set(STATES), "archive": bool},
}
_NODE = {
    **dict.fromkeys(("name!", "role!", "state!", "exit_reason!", "image!"), str),
    "mounts!": [{"host_path!": str, "node_path!": str, "read_only!": bool}],
    "ports!": [{"node_port!": int, "host_port!": int, "listen!": str, "protocol!": str}],
    "pods!": int,
}
_CLUSTER = {
    **dict.fromkeys(("name!", "state!", "problem!", "summary!"), str),
    "nodes!": [_NODE],
    "volumes!": [_VOLUME],
    "pods!": [dict.fromkeys(("namespace!", "name!", "node!", "phase!", "workload!"), str)],
    "claims!": [dict.fromkeys(("claim!", "phase!", "volume!", "storage_class!"), str)],
    "orphans!": [{"host_directory!": str, "claim!": str, "volume!": str, "seen!": _SEEN}],
    "backup!": dict.fromkeys(("path!", "generation!", "created!", "problem!"), str),
    "warnings!": [str],
}
_MAP = {
    "format!": int,
    "created!": str,
    "hosts!": [{"name!": str, "engine!": str, "clusters!": [_CLUSTER]}],
}


@dataclass(frozen=True)
class Seen:
    """What a look at a directory found. bytes: on the disk; files, size: regular files and their bytes.

    changed: the latest modification of one of them, seconds since the epoch. complete: False if it was not all seen.
    """

    bytes: int = 0
    files: int = 0
    size: int = 0
    changed: float = 0.0
    complete: bool = True


@dataclass(frozen=True)
class Backed:
    """A cluster's backup. generation: the name of the newest one; problem: why there is none, '' if there is."""

    path: str = ""
    generation: str = ""
    catalog: Catalog | None = None
    problem: str = ""


@dataclass(frozen=True)
class Source:
    """What is known of a cluster. rows, orphans: as volume_info returns them.

    seen: by the name of a volume, and by the path of an orphan. objects: of the API server by kind. problem: why it
    could not be asked, '' if it was.
    """

    name: str
    nodes: Sequence[Node] = ()
    rows: Sequence[Object] = ()
    summary: str = ""
    orphans: Sequence[Object] = ()
    warnings: Sequence[str] = ()
    objects: Mapping[str, Sequence[Object]] = field(default_factory=dict)
    seen: Mapping[str, Seen] = field(default_factory=dict)
    backed: Backed = field(default_factory=Backed)
    problem: str = ""


def lab(created: str, hosts: Sequence[Object]) -> Object:
    """A map. created: the time; hosts: each with name, engine and clusters."""
    return {"format": FORMAT, "created": created, "hosts": list(hosts)}


def checked(value: Any, where: str) -> Object:
    """A map that somebody hands in. where: it comes from. Raises BadInput for anything else."""
    if not fits(value, _MAP) or value["format"] != FORMAT:
        raise BadInput(
            f"{where} is not a map of format {FORMAT}.",
            next_step="Use what kindlab.volumes.lab_map returned as map, or wrote with format=json.",
        )
    return dict(value)
