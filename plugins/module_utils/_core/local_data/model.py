# Copyright: kindlab.volumes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Types of local data: the observed cluster, and the planned step of one namespace."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from ansible_collections.kindlab.volumes.plugins.module_utils._core.kind.nodes import Node
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kube.objects import Object, namespaced_name
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kube.pods import is_terminal, pods_by_claim

from .location import DirectoryLocation
from .manifests import LABEL
from .policy import BINDING, POLICY, Live, live_policy
from .request import volume_name

CREATE, REPLACE, FINISH, UNCHANGED = "create", "replace", "finish", "unchanged"
REMOVE, TERMINATING = "remove", "terminating"


@dataclass(frozen=True)
class Observed:
    """Objects by name (claims by 'namespace/name'), the pods that use a claim, the nodes, and the directory in them.

    policy: the policy and its binding, None if this Kubernetes does not know them. location: None for state absent.
    """

    volumes: Mapping[str, Object]
    claims: Mapping[str, Object]
    namespaces: Mapping[str, Object]
    users: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    policy: Live | None = (None, None)
    nodes: tuple[Node, ...] = ()
    location: DirectoryLocation | None = None

    @classmethod
    def from_objects(
        cls, objects: Mapping[str, Iterable[Object]], nodes: tuple[Node, ...], location: DirectoryLocation | None
    ) -> Observed:
        """objects: by kind, as the API lists them; without the policies if this Kubernetes does not know them."""
        using = pods_by_claim(pod for pod in objects["Pod"] if not is_terminal(pod))
        return cls(
            volumes={item["metadata"]["name"]: item for item in objects["PersistentVolume"]},
            claims={namespaced_name(item): item for item in objects["PersistentVolumeClaim"]},
            namespaces={item["metadata"]["name"]: item for item in objects["Namespace"]},
            users={claim: tuple(f"{pod['namespace']}/{pod['name']}" for pod in pods) for claim, pods in using.items()},
            policy=live_policy(objects[POLICY], objects[BINDING]) if POLICY in objects else None,
            nodes=nodes,
            location=location,
        )


@dataclass(frozen=True)
class Step:
    """What happens to the volume and the claim of one namespace. users: the pods that use the claim."""

    namespace: str
    name: str
    action: str = UNCHANGED
    volume: Object | None = None
    claim: Object | None = None
    requested_volume: Object = field(default_factory=dict)
    requested_claim: Object = field(default_factory=dict)
    users: tuple[str, ...] = ()

    @property
    def claim_name(self) -> str:
        return f"{self.namespace}/{self.name}"

    @property
    def volume_name(self) -> str:
        return volume_name(self.namespace, self.name)

    @property
    def existing(self) -> list[Object]:
        """The claim and the volume, if they exist."""
        return [item for item in (self.claim, self.volume) if item]


def mode_of(item: Object) -> str:
    """read-only or read-write, '' for an object that is not local data."""
    return str((item["metadata"].get("labels") or {}).get(LABEL, ""))


def describe(volume: Object | None) -> str:
    """A volume for people: 'read-only, /mnt/data in the nodes'."""
    if volume is None:
        return "without a volume"
    spec = volume["spec"]
    path = (spec.get("local") or spec.get("hostPath") or {}).get("path", "elsewhere")
    return f"{mode_of(volume)}, {path} in the nodes"
