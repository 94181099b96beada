# Copyright: kindlab.volumes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Options of storage_provisioner: their argument spec, and the checked Request."""

from __future__ import annotations

import posixpath
import re
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from ansible_collections.kindlab.volumes.plugins.module_utils._core.errors import BadInput
from ansible_collections.kindlab.volumes.plugins.module_utils._core.names.forms import LABEL
from ansible_collections.kindlab.volumes.plugins.module_utils._core.options import (
    API,
    ENGINE,
    check_absolute,
    check_numbers,
)

from .backends.base import NodePaths, Provisioner, Settings
from .registry import PROVISIONERS

PATHS = {"node": {"type": "str"}, "paths": {"type": "list", "elements": "str", "required": True}}
BINDING_MODES = ["WaitForFirstConsumer", "Immediate"]
ARGUMENTS: dict[str, Any] = {
    **API,
    **ENGINE,
    "name": {"type": "str", "default": "local_path", "choices": list(PROVISIONERS)},
    "state": {"type": "str", "default": "present", "choices": ["present", "absent", "rendered"]},
    "dest": {"type": "path"},
    "namespace": {"type": "str"},
    "storage_class": {"type": "str", "default": "standard"},
    "default_class": {"type": "bool", "default": True},
    "replace_default": {"type": "bool", "default": False},
    "reclaim_policy": {"type": "str", "default": "Delete", "choices": ["Delete", "Retain"]},
    "binding_mode": {"type": "str", "default": "WaitForFirstConsumer", "choices": BINDING_MODES},
    "node_path": {"type": "str"},
    "paths": {"type": "list", "elements": "dict", "options": PATHS},
    "image": {"type": "str"},
    "helper_image": {"type": "str"},
    "replicas": {"type": "int"},
    "worker_threads": {"type": "int"},
    "provisioning_retries": {"type": "int"},
    "deletion_retries": {"type": "int"},
    "helper_timeout": {"type": "int"},
    "check_shared": {"type": "bool", "default": True},
    "wait_timeout": {"type": "int", "default": 120},
    "force": {"type": "bool", "default": False},
}
RULES: dict[str, Any] = {
    "mutually_exclusive": [("node_path", "paths")],
    "required_if": [("state", "rendered", ["dest"])],
}

# As Kubernetes' own rule, RFC 1123 subdomain.
_SUBDOMAIN = re.compile(r"[a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?")
# Those of the program.
_NUMBERS = ("replicas", "worker_threads", "provisioning_retries", "deletion_retries", "helper_timeout")


@dataclass(frozen=True)
class Request(Settings):
    """One provisioner with one storage class. dest: the file, for state rendered."""

    state: str = "present"
    dest: str = ""
    storage_class: str = "standard"
    default_class: bool = True
    replace_default: bool = False
    reclaim_policy: str = "Delete"
    force: bool = False

    @classmethod
    def from_options(cls, options: Mapping[str, Any]) -> Request:
        """The module's options, checked. Raises BadInput, naming the option."""
        check_absolute(options, ARGUMENTS)
        if options["name"] not in PROVISIONERS:
            raise BadInput(
                f"There is no provisioner {options['name']}.", next_step=f"Use one of {', '.join(PROVISIONERS)}."
            )
        provisioner = PROVISIONERS[options["name"]]
        namespace = provisioner.namespace if options["namespace"] is None else options["namespace"]
        if not re.fullmatch(LABEL, namespace):
            raise BadInput(f"namespace {namespace!r} is invalid: use lower-case letters, digits and '-'.")
        if not _SUBDOMAIN.fullmatch(options["storage_class"]):
            raise BadInput(
                f"storage_class {options['storage_class']!r} is invalid: use lower-case letters, digits, '-' and '.'."
            )
        check_numbers(options)
        dest = options["dest"] if options["state"] == "rendered" else ""
        if options["state"] == "rendered" and not dest.startswith("/"):
            raise BadInput(f"dest {dest!r} is not an absolute path.", next_step="Use an absolute path.")
        alike = ("name", "state", "storage_class", "default_class", "replace_default", "reclaim_policy", "force")
        request = cls(
            **{name: options[name] for name in (*alike, "binding_mode", *_NUMBERS)},
            namespace=namespace,
            dest=dest,
            paths=_paths(options["node_path"], options["paths"], provisioner),
            image=options["image"] or "",
            helper_image=options["helper_image"] or "",
        )
        provisioner.check(request)
        return request

    @property
    def shared_directory(self) -> str:
        """The directory that must be the same in all nodes, '' for none."""
        return self.paths[0].paths[0] if self.state == "present" and PROVISIONERS[self.name].shared else ""

    def check_nodes(self, nodes: Iterable[str]) -> None:
        """Raise BadInput if paths names a node that the cluster does not have."""
        known = sorted(nodes)
        unknown = sorted({entry.node for entry in self.paths} - {"", *known})
        if unknown:
            raise BadInput(
                f"paths names {', '.join(unknown)}, which the cluster does not have.",
                next_step=f"Its nodes are: {', '.join(known)}",
                details=unknown,
            )


def _paths(
    node_path: str | None, entries: list[dict[str, Any]] | None, provisioner: Provisioner
) -> tuple[NodePaths, ...]:
    if entries is None:
        entries = [{"paths": [provisioner.node_path if node_path is None else node_path]}]
    elif node_path is not None:
        raise BadInput("node_path and paths are mutually exclusive.", next_step="Use one of them.")
    if not entries:
        raise BadInput("paths is empty: no node could have a volume.", next_step="Name at least one directory.")
    found: dict[str, NodePaths] = {}
    for entry in entries:
        node = entry.get("node") or ""
        scope = f"node {node}" if node else "all other nodes"
        if node in found:
            raise BadInput(f"paths has several entries for {scope}.", next_step="Combine them into one.")
        if not entry["paths"] and not node:
            raise BadInput("paths has an empty entry for all other nodes.", next_step="Remove the whole entry.")
        paths = [_path(path, scope) for path in entry["paths"]]
        twice = [path for path, number in Counter(paths).items() if number > 1]
        if twice:
            raise BadInput(f"paths has {twice[0]} twice for {scope}.", next_step="Remove one of them.")
        found[node] = NodePaths(node, tuple(paths))
    return tuple(found[node] for node in sorted(found))


def _path(path: str, scope: str) -> str:
    """The path as the provisioner reads it. It rejects relative paths and '/' (its canonicalizeConfig)."""
    if not path.startswith("/"):
        raise BadInput(f"The path {path!r} for {scope} is not absolute.", next_step="Use an absolute path.")
    clean = "/" + posixpath.normpath(path).lstrip("/")
    if clean == "/":
        raise BadInput(f"The path for {scope} must not be '/'.", next_step="Use a directory below it.")
    return clean
