# Copyright: kindlab.volumes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Types of an adoption: the request, the observed cluster and directories, and the planned step of a volume."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.kindlab.volumes.plugins.module_utils._core.errors import BadInput
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kind.nodes import Node
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kube.binding import Binding
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kube.objects import Object
from ansible_collections.kindlab.volumes.plugins.module_utils._core.options import check_not_empty, check_numbers
from ansible_collections.kindlab.volumes.plugins.module_utils._core.prune.model import Item
from ansible_collections.kindlab.volumes.plugins.module_utils._core.prune.related import Related

from .rows import Row

# What is read of a cluster, beside what volume_prune reads.
READ = ("StorageClass", "Namespace")


@dataclass(frozen=True)
class Request:
    """The options of volume_adopt. plan: path of the plan to carry out; write_plan: where to write it, and no more."""

    cluster: str
    directories: tuple[str, ...] = ()
    matching: tuple[str, ...] = ()
    plan: str = ""
    write_plan: str = ""
    create_namespaces: bool = True
    wait_timeout: float = 120

    @classmethod
    def from_options(cls, options: Mapping[str, Any]) -> Request:
        """Raises BadInput."""
        check_numbers(options)
        check_not_empty(options, "directories", "matching")
        if options["plan"] and (options["write_plan"] or options["matching"]):
            other = "write_plan" if options["write_plan"] else "matching"
            raise BadInput(f"plan and {other} exclude each other.", next_step=f"Remove {other}.")
        same = ("cluster", "create_namespaces", "wait_timeout")
        return cls(
            directories=tuple(options["directories"] or ()),
            matching=tuple(options["matching"] or ()),
            plan=options["plan"] or "",
            write_plan=options["write_plan"] or "",
            **{name: options[name] for name in same},
        )


@dataclass(frozen=True)
class Observed:
    """items: what is in the directories, as volume_prune sees it, by path. beside: rows of files beside directories.
    related: the directories of all volumes.

    The objects are by name, those in namespaces by 'namespace/name'.
    """

    items: Mapping[str, Item]
    nodes: Sequence[Node]
    volumes: Mapping[str, Object] = field(default_factory=dict)
    claims: Mapping[str, Object] = field(default_factory=dict)
    storage_classes: Mapping[str, Object] = field(default_factory=dict)
    namespaces: Mapping[str, Object] = field(default_factory=dict)
    config_maps: Sequence[Object] = ()
    beside: Mapping[str, Row] = field(default_factory=dict)
    related: Related = field(default_factory=lambda: Related(()))


@dataclass(frozen=True)
class Step:
    """What happens to a row. binding: None if it is adopted already. node_directory: its directory in the nodes."""

    row: Row
    node_directory: str
    binding: Binding | None = None

    def as_dict(self) -> Object:
        """The row in the module's result."""
        action = "adopt" if self.binding else "unchanged"
        return {**self.row.as_dict(), "node_directory": self.node_directory, "action": action}
