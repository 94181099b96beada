# Copyright: kindlab.volumes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Kubeconfig files: which cluster they connect to. Only kind writes them."""

from __future__ import annotations

import os
import re
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from ansible_collections.kindlab.volumes.plugins.module_utils._core.kind.nodes import context_name
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.text_file import read


class Kubeconfig:
    """One kubeconfig file, existing or not. Its methods raise BadInput if it cannot be read."""

    def __init__(self, path: str) -> None:
        self.path = path

    def has_cluster(self, cluster: str) -> bool:
        """True if the file has kind's context for this cluster, or for an earlier one of the same name."""
        return bool(
            re.search(rf"(?m)^\s*(- )?name: [\"']?{re.escape(context_name(cluster))}[\"']?\s*$", read(self.path))
        )

    def has_credentials_of(self, kubeconfig: str) -> bool:
        """True if the file has the server and the credentials of that kubeconfig text."""
        content = read(self.path)
        return all(value in content for value in re.findall(r"(?m)^\s*(?:server|\S+-data): (\S+)\s*$", kubeconfig))

    def remove_if_empty(self) -> None:
        """Remove the file if it contains no cluster."""
        if not re.search(r"(?m)^(clusters|contexts|users):", read(self.path)) and os.path.exists(self.path):
            os.unlink(self.path)


def user_kubeconfig(environment: Mapping[str, str]) -> str:
    """The file to which kubectl and kind write for this user (kind's pathForMerge)."""
    paths = list(dict.fromkeys(p for p in environment.get("KUBECONFIG", "").split(os.pathsep) if p))
    paths = paths or [os.path.expanduser("~/.kube/config")]
    return next((p for p in paths if os.path.isfile(p)), paths[-1])


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
