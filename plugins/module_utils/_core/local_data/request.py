# Copyright: kindlab.volumes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Local data that is asked for: under which name, in which namespaces, and for which user of a pod."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from ansible_collections.kindlab.volumes.plugins.module_utils._core.errors import BadInput

# Kubernetes' own rules: RFC 1123 label and subdomain.
NAMESPACE = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?")
NAME = re.compile(r"[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)*")
NAME_MAX = 253
ID_MAX = 2**32 - 2


@dataclass(frozen=True)
class User:
    """Who reads or writes in a pod: its runAsUser, runAsGroup and supplemental groups."""

    uid: int
    gid: int
    groups: tuple[int, ...] = ()

    def text(self) -> str:
        """The user for people."""
        groups = ", ".join(map(str, (self.gid, *self.groups)))
        return f"user {self.uid} ({'groups' if self.groups else 'group'} {groups})"


@dataclass(frozen=True)
class Request:
    """The volumes that are asked for, one in each namespace; no namespace stands for all that have one."""

    name: str
    namespaces: tuple[str, ...] = ()
    read_only: bool = True
    user: User = User(65534, 65534)
    outside_links: bool = False
    namespaces_too: bool = True


def read_request(options: Mapping[str, Any]) -> Request:
    """The module's options, checked. Raises BadInput, and touches nothing."""
    name = options["name"]
    namespaces = tuple(dict.fromkeys(options["namespaces"] or ()))
    for namespace in namespaces:
        if not NAMESPACE.fullmatch(namespace):
            raise BadInput(f"namespaces has {namespace!r}, which is no name of a namespace.", next_step=_LETTERS)
        if not NAME.fullmatch(name) or len(volume_name(namespace, name)) > NAME_MAX:
            raise BadInput(f"name can't be {name!r}: it names claims in {namespace}.", next_step=_LETTERS)
    if options["state"] == "present" and not namespaces:
        raise BadInput("namespaces is empty.", next_step="Name the namespaces whose pods are to have the data.")
    groups = tuple(options["supplemental_groups"] or ())
    user = User(options["run_as_user"], options["run_as_group"], groups)
    _check_ids({"run_as_user": [user.uid], "run_as_group": [user.gid], "supplemental_groups": groups})
    return Request(
        name=name,
        namespaces=namespaces,
        read_only=options["read_only"],
        user=user,
        outside_links=options["outside_links"] == "allow",
        namespaces_too=options["namespaces_too"],
    )


def volume_name(namespace: str, name: str) -> str:
    """The name of a namespace's PersistentVolume; no namespace has a dot, so that no two share one."""
    return f"{namespace}.{name}"


def _check_ids(ids: Mapping[str, Iterable[int]]) -> None:
    for option, numbers in ids.items():
        for number in numbers:
            if not 0 <= number <= ID_MAX:
                raise BadInput(f"{option} can't be {number}.", next_step=f"Linux has ids from 0 to {ID_MAX}.")


_LETTERS = "Use lower case letters, digits and '-', with a letter or digit at both ends."
