# Copyright: kindlab.volumes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Kubeconfig files: which clusters they connect to, and their current context. kind writes the entries."""

from __future__ import annotations

import os
import re
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from ansible_collections.kindlab.volumes.plugins.module_utils._core.errors import BadInput
from ansible_collections.kindlab.volumes.plugins.module_utils._core.identity.loopback import is_loopback
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kind.nodes import context_name, default_kubeconfig
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.kube.manifests import yaml_value
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.text_file import read, replace

_LISTS = ("clusters", "contexts", "users")
# What proves that two entries lead to the same cluster with the same rights.
_PROOF = ("server", "certificate-authority-data", "client-certificate-data", "client-key-data")


class Kubeconfig:
    """One kubeconfig file, existing or not. Its methods raise BadInput if it cannot be read, or is no kubeconfig."""

    def __init__(self, path: str) -> None:
        self.path = path

    def has_cluster(self, cluster: str) -> bool:
        """True if the file has kind's context for this cluster, or for another one of the same name."""
        return context_name(cluster) in _named(self._content(), "contexts")

    def seems_to_have(self, cluster: str) -> bool:
        """The same, False if the file cannot be read."""
        try:
            return self.has_cluster(cluster)
        except BadInput:
            return False

    def has_credentials_of(self, cluster: str, kubeconfig: str) -> bool:
        """True if the file has the server and the credentials that kubeconfig, a text, has for the cluster."""
        own, other = _proof(self._content(), cluster), _proof(_checked(kubeconfig, "kind's kubeconfig"), cluster)
        return bool(other) and own == other

    def credentials(self, cluster: str) -> Mapping[str, Any]:
        """Server and credentials of the cluster's entries, {} if there are none."""
        return _proof(self._content(), cluster)

    def is_of_this_host(self, cluster: str) -> bool:
        """True if the cluster's entry leads to an address of this host, as those of kind clusters do."""
        return is_loopback(str(self.credentials(cluster).get("server", "")))

    def current_context(self) -> str:
        """The current context, '' for none."""
        return str(self._content().get("current-context") or "")

    def set_current_context(self, name: str) -> None:
        """Make it the current context of a file that kind has written. Raises BadInput if it cannot be written."""
        line = f"current-context: {name}" if re.fullmatch(r"[\w./@-]+", name) else f"current-context: {name!r}"
        replace(self.path, re.sub(r"(?m)^current-context:.*$", lambda _match: line, read(self.path), count=1))

    def remove_if_empty(self) -> None:
        """Remove the file if it contains no cluster."""
        if os.path.exists(self.path) and not any(self._content().get(kind) for kind in _LISTS):
            os.unlink(self.path)

    def _content(self) -> Mapping[str, Any]:
        return _checked(read(self.path), f"The kubeconfig {self.path}")


def own_kubeconfig(cluster: str, kubeconfig: str | None) -> str:
    """The absolute path of a cluster's own kubeconfig. kubeconfig: the option, None for the default."""
    return os.path.abspath(os.path.expanduser(kubeconfig or default_kubeconfig(cluster)))


def user_kubeconfig(environment: Mapping[str, str]) -> str:
    """The file to which kubectl and kind write for this user (kind's pathForMerge)."""
    paths = list(dict.fromkeys(p for p in environment.get("KUBECONFIG", "").split(os.pathsep) if p))
    paths = paths or [os.path.expanduser("~/.kube/config")]
    return os.path.abspath(next((p for p in paths if os.path.isfile(p)), paths[-1]))


@contextmanager
def temporary_file(kubeconfig: str) -> Iterator[str]:
    """A file with this text, readable by this user only, until the block ends."""
    descriptor, path = tempfile.mkstemp(prefix="kindlab-", suffix=".kubeconfig")
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(kubeconfig)
        yield path
    finally:
        os.unlink(path)


def _checked(text: str, where: str) -> Mapping[str, Any]:
    """The content of a kubeconfig, {} for an empty one. Raises BadInput if it has another form."""
    content, why = yaml_value(text)
    if not why and content is not None and not isinstance(content, Mapping):
        why = "it is not a mapping"
    if not why:
        content = content or {}
        why = "".join(f"{kind} is not a list of entries with names" for kind in _LISTS if not _is_list(content, kind))
    if why:
        raise BadInput(
            f"{where} is not a kubeconfig: {why}",
            next_step="Correct it, or move it away and run this again.",
        )
    return content if isinstance(content, Mapping) else {}


def _is_list(content: Mapping[str, Any], kind: str) -> bool:
    entries = content.get(kind) or []
    return isinstance(entries, list) and all(
        isinstance(entry, Mapping) and isinstance(entry.get("name"), str) for entry in entries
    )


def _named(content: Mapping[str, Any], kind: str) -> dict[str, Any]:
    """The entries of one kind, by name, each as a mapping."""
    found = {entry["name"]: entry.get(kind.removesuffix("s")) for entry in content.get(kind) or ()}
    return {name: value if isinstance(value, Mapping) else {} for name, value in found.items()}


def _proof(content: Mapping[str, Any], cluster: str) -> dict[str, Any]:
    """What the context of the cluster leads to."""
    context = _named(content, "contexts").get(context_name(cluster), {})
    found = {
        **_named(content, "clusters").get(str(context.get("cluster")), {}),
        **_named(content, "users").get(str(context.get("user")), {}),
    }
    return {field: found[field] for field in _PROOF if field in found}
