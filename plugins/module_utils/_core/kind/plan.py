# Copyright: kindlab.volumes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What has to be done so that a cluster is as asked for: from what is there to ordered steps."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from ansible_collections.kindlab.volumes.plugins.module_utils._core.errors import Declined

from .drift import Difference
from .nodes import Node
from .spec import ClusterSpec
from .view import cluster_view, state_of


@dataclass(frozen=True)
class Observed:
    """What is there before.

    marked: a creation or a removal (removing) was begun and not brought to its end. named: the cluster's own
    kubeconfig names it.
    kubeconfig: that file leads to it, as it is now. merged: the user's own names it. has_credentials: false where
    the nodes run and hold no credentials. used: there are volumes. missing: host directories that are asked for and
    are not there.
    """

    nodes: tuple[Node, ...] = ()
    marked: bool = False
    removing: bool = False
    named: bool = False
    kubeconfig: bool = False
    merged: bool = False
    has_credentials: bool = True
    used: bool = False
    missing: tuple[str, ...] = ()

    @property
    def abandoned(self) -> bool:
        """True where kind was interrupted, and nobody uses what it left.

        kind writes the kubeconfig as the last step of a creation, and takes it away as the first of a removal.
        """
        return bool(self.nodes) and self.marked and not self.named and not self.used


@dataclass(frozen=True)
class Plan:
    """The steps, in the order of their fields.

    finish: wait until a new cluster is usable, and record what was asked for; otherwise only its nodes are waited for.
    """

    remove: bool = False
    directories: tuple[str, ...] = ()
    create: bool = False
    start: tuple[Node, ...] = ()
    write_kubeconfig: bool = False
    merge: bool = False
    finish: bool = False

    @property
    def changes(self) -> bool:
        """True where something will be changed."""
        return self != Plan()


def plan_present(spec: ClusterSpec, observed: Observed, *, merge: bool) -> Plan:
    """The steps to the cluster that is asked for. Raises Declined where what is there was never set up by anybody."""
    merge = merge and not observed.merged
    half_removed = observed.removing and not observed.named and not _all_there(spec, observed.nodes)
    if not observed.nodes or observed.abandoned or half_removed:
        return Plan(
            remove=bool(observed.nodes),
            directories=observed.missing,
            create=True,
            merge=merge,
            finish=True,
        )
    if not observed.has_credentials and not observed.named:
        raise Declined(
            f"The nodes of {spec.name} are there, but Kubernetes was never set up in them; who made them is not known.",
            tried=f"kind get kubeconfig --name {spec.name}",
            next_step=f"Remove them: kind delete cluster --name {spec.name}, or state=absent with force=true.",
        )
    return Plan(
        start=tuple(node for node in observed.nodes if node.state != "running"),
        write_kubeconfig=not observed.kubeconfig,
        merge=merge,
        finish=observed.marked,
    )


def _all_there(spec: ClusterSpec, nodes: Iterable[Node]) -> bool:
    return {node.name for node in spec.nodes} <= {node.name for node in nodes}


def refuse_drift(name: str, differences: tuple[Difference, ...]) -> None:
    """Raise Declined where an existing cluster is not the one that is asked for."""
    if not differences:
        return
    raise Declined(
        f"The cluster {name} is there, but it is not as asked for: {'; '.join(d.text() for d in differences)}.",
        next_step=(
            "Make the options match it. Or recreate it with its volumes, as kind can't change it: "
            "kindlab.volumes.volume_backup, kind_cluster with state=absent, kind_cluster, "
            "kindlab.volumes.volume_restore."
        ),
        details=[d.as_dict() for d in differences],
    )


def before_and_after(
    spec: ClusterSpec, observed: Observed, plan: Plan, kubeconfig: str, *, merge: bool
) -> tuple[dict[str, Any], dict[str, Any]]:
    """The cluster at both ends of the plan, as the module's diff shows it."""
    running = tuple(_running(node) for node in observed.nodes)
    before = {
        **cluster_view(spec.name, observed.nodes, unfinished=observed.marked),
        "kubeconfig": kubeconfig if observed.kubeconfig else None,
        "merged": observed.merged,
    }
    after = {
        **cluster_view(spec.name, spec.as_created() if plan.create else running),
        "kubeconfig": kubeconfig,
        "merged": merge or observed.merged,
    }
    return before, after


def absent_before_and_after(
    name: str, observed: Observed, kubeconfig: str
) -> tuple[Mapping[str, Any], Mapping[str, Any]]:
    """The cluster before and after it is removed."""
    before = {
        "name": name,
        "state": state_of(observed.nodes, unfinished=observed.marked),
        "nodes": [node.name for node in observed.nodes],
        "kubeconfig": kubeconfig if observed.kubeconfig else None,
        "merged": observed.merged,
    }
    return before, {"name": name, "state": "absent", "nodes": [], "kubeconfig": None, "merged": False}


def _running(node: Node) -> Node:
    return Node(node.name, node.cluster, node.role, "running", node.image, node.image_id, node.mounts, node.ports)
