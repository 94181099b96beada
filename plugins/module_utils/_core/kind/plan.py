# Copyright: kindlab.volumes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Plan of kind_cluster: the steps from the observed cluster to the requested one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from ansible_collections.kindlab.volumes.plugins.module_utils._core.engines import kind_command
from ansible_collections.kindlab.volumes.plugins.module_utils._core.errors import Declined
from ansible_collections.kindlab.volumes.plugins.module_utils._core.refusals import Refusal, decline

from .drift import compare_record, container_drift, decline_drift
from .mounts_and_ports import HostDirectory
from .nodes import Node, context_name
from .spec import ClusterSpec, checked_name
from .view import ABSENT, cluster_view


@dataclass(frozen=True)
class Request:
    """The options of kind_cluster, checked. spec: without nodes if state is absent."""

    state: str
    spec: ClusterSpec
    merge_kubeconfig: bool = False
    retain_on_failure: bool = False
    wait_for: str = "nodes"
    backup: str = ""
    force: bool = False

    @classmethod
    def from_options(cls, options: Mapping[str, Any]) -> Request:
        """Check the options. Raises BadInput."""
        absent = options["state"] == ABSENT
        return cls(
            state=options["state"],
            spec=ClusterSpec(checked_name(options["name"])) if absent else ClusterSpec.from_options(options),
            merge_kubeconfig=bool(options["merge_kubeconfig"]),
            retain_on_failure=bool(options["retain_on_failure"]),
            wait_for=options.get("wait_for") or "nodes",
            backup=options.get("backup") or "",
            force=bool(options["force"]),
        )


@dataclass(frozen=True)
class Observed:
    """The cluster and its files on this host.

    kubeconfig: path of the cluster's own file; named: it contains the cluster; connects: it connects to it.
    merged: the user's own file contains the cluster. unfinished: a creation, or a removal (removing), was interrupted.
    has_credentials: false if all nodes run and kubeadm has not written credentials. has_volumes: only read if the
    cluster may have to be replaced. image_ids: of requested images under other names than the nodes' own.
    version, record: of the API server, '' and None if it does not answer. missing: requested host directories.
    blockers: why the cluster must not be deleted; only read if that matters.
    """

    kubeconfig: str
    nodes: tuple[Node, ...] = ()
    unfinished: bool = False
    removing: bool = False
    named: bool = False
    connects: bool = False
    merged: bool = False
    has_credentials: bool = True
    has_volumes: bool = False
    image_ids: Mapping[str, str] = field(default_factory=dict)
    version: str = ""
    record: Mapping[str, Any] | None = None
    missing: tuple[HostDirectory, ...] = ()
    blockers: tuple[Refusal, ...] = ()
    engine: str = "docker"

    @property
    def abandoned(self) -> bool:
        """True if kind was interrupted while there was no kubeconfig, and no volume uses the nodes that it left."""
        return bool(self.nodes) and self.unfinished and not self.named and not self.has_volumes


@dataclass(frozen=True)
class Plan:
    """The steps, in the order of their fields.

    remove: nodes and kubeconfig entries. finish: wait until a new cluster is usable, and record its configuration.
    version: of the API server, if the recorded configuration has been compared already.
    """

    request: Request
    observed: Observed
    remove: bool = False
    directories: tuple[HostDirectory, ...] = ()
    create: bool = False
    start: tuple[Node, ...] = ()
    write_kubeconfig: bool = False
    merge: bool = False
    finish: bool = False
    version: str = ""
    warnings: tuple[str, ...] = ()

    @property
    def changes(self) -> bool:
        """True if any step is necessary."""
        return any((self.remove, self.create, self.start, self.write_kubeconfig, self.merge, self.finish))

    def diff(self) -> tuple[dict[str, Any], dict[str, Any]]:
        """The cluster and its kubeconfigs before and after."""
        name, seen = self.request.spec.name, self.observed
        present = self.request.state != ABSENT
        before = {
            **cluster_view(name, seen.nodes, unfinished=seen.unfinished),
            "kubeconfig": seen.kubeconfig if seen.connects else None,
            "merged": seen.merged,
        }
        after = {
            **cluster_view(name, self._nodes_after()),
            "kubeconfig": seen.kubeconfig if present else None,
            "merged": present and (self.request.merge_kubeconfig or seen.merged),
        }
        return before, after

    def result(self) -> dict[str, Any]:
        """What the module returns in check mode."""
        return {
            "cluster": cluster_view(self.request.spec.name, self._nodes_after()),
            "kubeconfig": self.observed.kubeconfig,
            "context": context_name(self.request.spec.name),
            "kubernetes_version": self.version,
            "seconds": {},
        }

    def compare_record(self, record: Mapping[str, Any] | None) -> tuple[str, ...]:
        """drift.compare_record() after the plan was carried out."""
        return compare_record(self.request.spec, record, applied=True)

    def _nodes_after(self) -> tuple[Node, ...]:
        if self.create or self.request.state == ABSENT:
            return self.request.spec.as_created()
        return tuple(replace(node, state="running", exit_reason="") for node in self.observed.nodes)


def needs_blockers(request: Request, observed: Observed) -> bool:
    """True if the request deletes a cluster that may be in use, and does not force it."""
    return request.state == ABSENT and bool(observed.nodes) and not observed.abandoned and not request.force


def plan(request: Request, observed: Observed) -> Plan:
    """The steps to the requested state.

    Raises Declined if volumes would lose data, if the existing cluster differs from the requested one, or if its nodes
    exist but kubeadm never ran, and BadInput if the recorded configuration is unreadable.
    """
    return _plan_absent(request, observed) if request.state == ABSENT else _plan_present(request, observed)


def _plan_absent(request: Request, observed: Observed) -> Plan:
    if needs_blockers(request, observed):
        subject = f"Cluster {request.spec.name} cannot be deleted safely"
        decline(subject, observed.blockers, "To delete it and lose this data, set force=true.")
    # The kubeconfig entries of a cluster that no longer exists are removed as well.
    remove = bool(observed.nodes) or observed.unfinished or observed.named or observed.merged
    return Plan(request, observed, remove=remove)


def _plan_present(request: Request, observed: Observed) -> Plan:
    spec, merge = request.spec, request.merge_kubeconfig and not observed.merged
    complete = {node.name for node in spec.nodes} <= {node.name for node in observed.nodes}
    half_removed = observed.removing and not observed.named and not complete
    if not observed.nodes or observed.abandoned or half_removed:
        remove = bool(observed.nodes) or observed.named
        return Plan(request, observed, remove, observed.missing, create=True, merge=merge, finish=True)
    if not observed.has_credentials and not observed.named:
        raise Declined(
            f"The nodes of cluster {spec.name} exist, but kubeadm never ran in them; it is unknown who created them.",
            tried=kind_command(observed.engine, f"get kubeconfig --name {spec.name}"),
            next_step=f"Delete them: {kind_command(observed.engine, f'delete cluster --name {spec.name}')}, or "
            "kindlab.volumes.kind_cluster with state=absent and force=true.",
        )
    decline_drift(spec, container_drift(spec, observed.nodes, observed.image_ids))
    warnings = compare_record(spec, observed.record, unfinished=observed.unfinished) if observed.version else ()
    return Plan(
        request,
        observed,
        start=tuple(node for node in observed.nodes if node.state != "running"),
        write_kubeconfig=not observed.connects,
        merge=merge,
        finish=observed.unfinished,
        version=observed.version,
        warnings=warnings,
    )
