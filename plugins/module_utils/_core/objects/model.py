# Copyright: kindlab.volumes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Objects of any kind: the resource types that an API server has, keys of objects, and what is saved of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from ansible_collections.kindlab.volumes.plugins.module_utils._core.kube.objects import Object


class Key(NamedTuple):
    """Which object it is, in whatever version: group is '' for the core group, namespace for a cluster-scoped one."""

    group: str
    kind: str
    namespace: str
    name: str

    def __str__(self) -> str:
        """'Kind.group namespace/name', e.g. 'Deployment.apps shop/web', 'Namespace shop'; 'Secret' for all."""
        kind = f"{self.kind}.{self.group}" if self.group else self.kind
        return f"{kind} {'/'.join(filter(None, (self.namespace, self.name)))}".rstrip()


@dataclass(frozen=True)
class Resource:
    """A resource type in the version that is read and written. verbs: e.g. list, create; status: has a status part."""

    group: str
    version: str
    kind: str
    plural: str
    namespaced: bool
    verbs: frozenset[str] = frozenset()
    status: bool = False

    @property
    def api_version(self) -> str:
        """As in an object's apiVersion: 'v1', 'apps/v1'."""
        return f"{self.group}/{self.version}" if self.group else self.version

    def path(self, namespace: str = "", name: str = "") -> str:
        """The path of one object, or of all objects (in a namespace)."""
        top = f"/apis/{self.group}/{self.version}" if self.group else f"/api/{self.version}"
        within = f"namespaces/{namespace}" if namespace else ""
        return "/".join(filter(None, (top, within, self.plural, name)))


@dataclass(frozen=True)
class Change:
    """What people changed of an object that the cluster brought. patch: a JSON merge patch against what it brought.

    before: the part of what it brought that the patch changes, None in a backup that does not have it.
    """

    key: Key
    api_version: str
    patch: Mapping[str, Any]
    before: Mapping[str, Any] | None = None


@dataclass(frozen=True)
class LeftOut:
    """An object, or all of a kind, that is not saved although people may look for it. why: for people."""

    key: Key
    why: str


@dataclass(frozen=True)
class Saved:
    """What a generation holds of the objects. made: those that people made, as they are created again."""

    made: Sequence[Object] = ()
    changed: Sequence[Change] = ()
    left_out: Sequence[LeftOut] = ()


def key_of(item: Mapping[str, Any]) -> Key:
    """The key of an object, which must have apiVersion and kind."""
    group, slash, _version = item["apiVersion"].partition("/")
    metadata = item["metadata"]
    return Key(group if slash else "", item["kind"], metadata.get("namespace", ""), metadata["name"])
