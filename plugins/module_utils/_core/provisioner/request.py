# Copyright: kindlab.volumes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A storage provisioner as it is asked for: options to Request, or the reason why they can't be used."""

from __future__ import annotations

import posixpath
import re
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from ansible_collections.kindlab.volumes.plugins.module_utils._core.errors import BadInput

# What the role storage asks for unless it is told otherwise; and where its names are not the module's.
STORAGE_DEFAULTS = {
    "name": "local_path",
    "storage_class": "standard",
    "default_class": True,
    "replace_default": False,
    "reclaim_policy": "Delete",
    "binding_mode": "WaitForFirstConsumer",
}

# provisioner -> where it runs, and where it makes volumes, if nothing else is asked for
_PLACES = {
    "local_path": ("local-path-storage", "/var/local-path-provisioner"),
    "local_path_shared": ("local-path-storage", "/var/local-path-provisioner"),
    "hostpath": ("hostpath-storage", "/tmp/hostpath-provisioner"),  # noqa: S108
}
_NAME = re.compile(r"[a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?")
_NAMESPACE = re.compile(r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?")
# option -> the least that it may be
_NUMBERS = {
    "replicas": 1,
    "worker_threads": 1,
    "provisioning_retries": 0,
    "deletion_retries": 0,
    "helper_timeout": 1,
    "wait_timeout": 1,
}


@dataclass(frozen=True)
class NodePaths:
    """Where volumes are made on one node; node is '' for all that have no entry of their own."""

    node: str
    paths: tuple[str, ...]

    @property
    def place(self) -> str:
        """The node, for people."""
        return f"node {self.node}" if self.node else "all other nodes"


@dataclass(frozen=True)
class Request:
    """One provisioner with one class. Images are '' and numbers None where they are not asked for."""

    name: str
    namespace: str
    storage_class: str
    default_class: bool
    reclaim_policy: str
    binding_mode: str
    paths: tuple[NodePaths, ...]
    image: str = ""
    helper_image: str = ""
    replicas: int | None = None
    worker_threads: int | None = None
    provisioning_retries: int | None = None
    deletion_retries: int | None = None
    helper_timeout: int | None = None
    replace_default: bool = False


def read_request(options: Mapping[str, Any]) -> Request:
    """The module's options as a Request. Raises BadInput, naming the option."""
    namespace, path = _PLACES[options["name"]]
    if options["namespace"] is not None:
        namespace = options["namespace"]
    for option, value, pattern in (
        ("namespace", namespace, _NAMESPACE),
        ("storage_class", options["storage_class"], _NAME),
    ):
        if not pattern.fullmatch(value):
            raise BadInput(f"{option} can't be {value!r}: Kubernetes takes small letters, digits and '-' in it.")
    for option, least in _NUMBERS.items():
        if options[option] is not None and options[option] < least:
            raise BadInput(f"{option} can't be {options[option]}: the least is {least}.")
    return Request(
        name=options["name"],
        namespace=namespace,
        storage_class=options["storage_class"],
        default_class=options["default_class"],
        reclaim_policy=options["reclaim_policy"],
        binding_mode=options["binding_mode"],
        paths=_paths(options["node_path"], options["paths"], path),
        image=options["image"] or "",
        helper_image=options["helper_image"] or "",
        replicas=options["replicas"],
        worker_threads=options["worker_threads"],
        provisioning_retries=options["provisioning_retries"],
        deletion_retries=options["deletion_retries"],
        helper_timeout=options["helper_timeout"],
        replace_default=options["replace_default"],
    )


def check_nodes(request: Request, nodes: Iterable[str]) -> None:
    """Raise BadInput where paths names a node that the cluster does not have."""
    known = sorted(nodes)
    unknown = sorted({entry.node for entry in request.paths} - {"", *known})
    if unknown:
        raise BadInput(
            f"paths names {', '.join(unknown)}, which the cluster does not have.",
            next_step=f"Its nodes are: {', '.join(known)}",
            details=unknown,
        )


def _paths(node_path: str | None, entries: list[dict[str, Any]] | None, default: str) -> tuple[NodePaths, ...]:
    if entries is None:
        return (NodePaths("", (_path(default if node_path is None else node_path, "all other nodes"),)),)
    if node_path is not None:
        raise BadInput("node_path and paths say the same: use one of them.")
    if not entries:
        raise BadInput("paths has no entry: no node could have a volume.")
    found = []
    for entry in entries:
        node = NodePaths(entry.get("node") or "", ())
        if not entry["paths"] and not node.node:
            raise BadInput("paths has no directory for all other nodes.", next_step="Leave out the whole entry.")
        found.append(NodePaths(node.node, tuple(_path(path, node.place) for path in entry["paths"])))
    for entry_found in found:
        twice = [path for path, count in Counter(entry_found.paths).items() if count > 1]
        if twice:
            raise BadInput(f"paths has {twice[0]} twice for {entry_found.place}.")
    for place, count in Counter(entry_found.place for entry_found in found).items():
        if count > 1:
            raise BadInput(f"paths has {count} entries for {place}.", next_step="Put their directories into one.")
    return tuple(sorted(found, key=lambda entry: entry.node))


def _path(path: str, place: str) -> str:
    """The path as the provisioner understands it. It refuses relative paths and '/' (its canonicalizeConfig)."""
    if not path.startswith("/"):
        raise BadInput(f"The path {path!r} for {place} is not absolute.", next_step="Begin it with '/'.")
    clean = "/" + posixpath.normpath(path).lstrip("/")
    if clean == "/":
        raise BadInput(f"The path for {place} can't be '/'.", next_step="Name a directory below it.")
    return clean
