# Copyright: kindlab.volumes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A kubeconfig file: whether it leads to a cluster; kind itself writes it."""

from __future__ import annotations

import os
import re
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager


class Kubeconfig:
    """One kubeconfig file, there or not."""

    def __init__(self, path: str) -> None:
        self.path = path

    def text(self) -> str:
        """What is in the file, '' where there is none."""
        try:
            with open(self.path, encoding="utf-8") as file:
                return file.read()
        except FileNotFoundError:
            return ""

    def names(self, cluster: str) -> bool:
        """True where the file has kind's context for this cluster (of today, or of an earlier one of that name)."""
        return bool(re.search(rf"(?m)^\s*(- )?name: [\"']?{re.escape(context_of(cluster))}[\"']?\s*$", self.text()))

    def leads_to(self, kubeconfig: str) -> bool:
        """True where the file has the server and the credentials of that kubeconfig text."""
        here = self.text()
        return all(value in here for value in re.findall(r"(?m)^\s*(?:server|\S+-data): (\S+)\s*$", kubeconfig))

    def remove_if_empty(self) -> None:
        """Remove the file where no cluster is left in it."""
        if not re.search(r"(?m)^(clusters|contexts|users):", self.text()) and os.path.exists(self.path):
            os.unlink(self.path)


def context_of(cluster: str) -> str:
    """The name of the context that kind writes."""
    return f"kind-{cluster}"


def users_own(environment: Mapping[str, str]) -> str:
    """The file that kubectl and kind would write to for this user (kind's pathForMerge)."""
    paths = list(dict.fromkeys(p for p in environment.get("KUBECONFIG", "").split(os.pathsep) if p))
    if not paths:
        return os.path.join(os.path.expanduser("~"), ".kube", "config")
    return next((p for p in paths if os.path.isfile(p)), paths[-1])


@contextmanager
def passing(kubeconfig: str) -> Iterator[str]:
    """A file with this text, for as long as the block runs; nobody else can read it."""
    descriptor, path = tempfile.mkstemp(prefix="kindlab-", suffix=".kubeconfig")
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(kubeconfig)
        yield path
    finally:
        os.unlink(path)
