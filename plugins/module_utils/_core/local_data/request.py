# Copyright: kindlab.volumes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Options of local_data, checked: name of the claims, their namespaces, and the user of the pods."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from ansible_collections.kindlab.volumes.plugins.module_utils._core.errors import BadInput
from ansible_collections.kindlab.volumes.plugins.module_utils._core.names.forms import LABEL
from ansible_collections.kindlab.volumes.plugins.module_utils._core.options import check_not_empty, check_numbers

NAMESPACE = re.compile(LABEL)
# Kubernetes' own rule, RFC 1123 subdomain, apart from its length.
NAME = re.compile(r"[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)*")
NAME_MAX = 253
ID_MAX = 2**32 - 2
_LETTERS = "Use lower-case letters, digits and '-', with a letter or digit at both ends."


@dataclass(frozen=True)
class User:
    """A pod's runAsUser, runAsGroup and supplementalGroups."""

    uid: int
    gid: int
    groups: tuple[int, ...] = ()

    def text(self) -> str:
        """The user for people."""
        groups = ", ".join(map(str, (self.gid, *self.groups)))
        return f"user {self.uid} ({'groups' if self.groups else 'group'} {groups})"


@dataclass(frozen=True)
class Request:
    """One claim and volume per namespace; without namespaces, for state absent, in all that have one."""

    name: str
    namespaces: tuple[str, ...] = ()
    read_only: bool = True
    user: User = User(65534, 65534)
    allow_external_symlinks: bool = False
    create_namespaces: bool = True
    state: str = "present"
    force: bool = False

    @classmethod
    def from_options(cls, options: Mapping[str, Any]) -> Request:
        """The module's options, checked. Raises BadInput, naming the option."""
        if options["state"] == "absent":
            check_not_empty(options, "namespaces")
        check_numbers(options)
        name = options["name"]
        namespaces = tuple(dict.fromkeys(options["namespaces"] or ()))
        for namespace in namespaces:
            if not NAMESPACE.fullmatch(namespace):
                raise BadInput(f"namespaces: {namespace!r} is not a valid name of a namespace.", next_step=_LETTERS)
            if not NAME.fullmatch(name) or len(volume_name(namespace, name)) > NAME_MAX:
                raise BadInput(f"name {name!r} is not valid for a claim in {namespace}.", next_step=_LETTERS)
        if options["state"] == "present" and not namespaces:
            raise BadInput("namespaces is empty.", next_step="Name the namespaces whose pods use the data.")
        user = User(options["run_as_user"], options["run_as_group"], tuple(options["supplemental_groups"] or ()))
        _check_ids({"run_as_user": [user.uid], "run_as_group": [user.gid], "supplemental_groups": user.groups})
        alike = ("read_only", "allow_external_symlinks", "create_namespaces", "state", "force")
        return cls(name, namespaces, user=user, **{option: options[option] for option in alike})


def volume_name(namespace: str, name: str) -> str:
    """The name of a namespace's PersistentVolume; unique, because a namespace has no dot."""
    return f"{namespace}.{name}"


def _check_ids(ids: Mapping[str, Iterable[int]]) -> None:
    for option, numbers in ids.items():
        for number in numbers:
            if not 0 <= number <= ID_MAX:
                raise BadInput(f"{option} must not be {number}.", next_step=f"Use an id from 0 to {ID_MAX}.")
