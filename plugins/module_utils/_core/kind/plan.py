# Copyright: kindlab.volumes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Plan of kind_cluster: the steps from the observed cluster to the requested one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from ansible_collections.kindlab.volumes.plugins.module_utils._core.engines import kind_command
from ansible_collections.kindlab.volumes.plugins.module_utils._core.errors import Declined
from ansible_collections.kindlab.volumes.plugins.module_utils._core.options import check_numbers
from ansible_collections.kindlab.volumes.plugins.module_utils._core.refusals import Refusal, decline

from .drift import compare_record, container_drift, decline_drift, needs_adoption
from .host.observed import Observed
from .host.preflight import refusals
from .mounts_and_ports import HostDirectory
from .nodes import Node, context_name
from .spec import ClusterSpec, checked_name
from .view import ABSENT, cluster_view

_FORCE = "kindlab.volumes.kind_cluster with state=absent and force=true"


@dataclass(frozen=True)
class Request:
    """The options of kind_cluster, checked. spec: without nodes if state is absent.

    assume_unused, assume_saved: volumes that tasks before would have detached, and backed up, in check mode only; None
    if no task would write to the backup. assume_image: tasks before would have provided the node image.
    accept_loss: volumes, claims and directories in nodes whose data may be lost.
    """

    state: str
    spec: ClusterSpec
    merge_kubeconfig: bool = False
    retain_on_failure: bool = False
    wait_for: str = "nodes"
    backup: str = ""
    force: bool = False
    assume_unused: frozenset[str] = frozenset()
    assume_saved: frozenset[str] | None = None
    assume_image: bool = False
    accept_loss: frozenset[str] = frozenset()

    @classmethod
    def from_options(cls, options: Mapping[str, Any], *, check_mode: bool = False) -> Request:
        """Check the options. Raises BadInput."""
        check_numbers({"wait_timeout": options.get("wait_timeout")})
        absent = options["state"] == ABSENT
        # A run sees what tasks before it have done.
        assumed = options if check_mode else {}
        saved = assumed.get("assume_saved")
        return cls(
            state=options["state"],
            spec=ClusterSpec(checked_name(options["name"])) if absent else ClusterSpec.from_options(options),
            merge_kubeconfig=bool(options["merge_kubeconfig"]),
            retain_on_failure=bool(options["retain_on_failure"]),
            wait_for=options.get("wait_for") or "nodes",
            backup=options.get("backup") or "",
            force=bool(options["force"]),
            assume_unused=frozenset(assumed.get("assume_unused") or ()),
            assume_saved=None if saved is None else frozenset(saved),
            assume_image=bool(assumed.get("assume_image")),
            accept_loss=frozenset(options.get("accept_loss") or ()),
        )


@dataclass(frozen=True)
class Plan:
    """The steps, in the order of their fields.

    remove: nodes and kubeconfig entries. finish: wait until a new cluster is usable, and record its configuration.
    adopt: record the configuration of a cluster that others created. version: of the API server, if the recorded
    configuration has been compared already.
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
    adopt: bool = False
    version: str = ""
    warnings: tuple[str, ...] = ()

    @property
    def changes(self) -> bool:
        """True if any step is necessary."""
        steps = (self.remove, self.create, self.start, self.write_kubeconfig, self.merge, self.finish, self.adopt)
        return any(steps)

    def diff(self) -> tuple[dict[str, Any], dict[str, Any]]:
        """The cluster and its kubeconfigs before and after."""
        name, seen = self.request.spec.name, self.observed
        present = self.request.state != ABSENT
        before = {
            **cluster_view(name, seen.nodes, unfinished=seen.unfinished),
            "kubeconfig": seen.kubeconfig if seen.connects else None,
            "merged": seen.merged,
            "recorded": seen.is_recorded and not self.adopt,
        }
        after = {
            **cluster_view(name, self._nodes_after()),
            "kubeconfig": seen.kubeconfig if present else None,
            "merged": present and (self.request.merge_kubeconfig or seen.merged),
            "recorded": present,
        }
        return before, after

    def result(self) -> dict[str, Any]:
        """What the module returns in check mode."""
        return {
            "cluster": cluster_view(self.request.spec.name, self._nodes_after()),
            "kubeconfig": self.observed.kubeconfig,
            "context": context_name(self.request.spec.name),
            "kubernetes_version": self.version,
            "reachable": bool(self.version) and not self.write_kubeconfig,
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
    if not observed.nodes or observed.abandoned or observed.deletion_is_decided or request.force:
        return False
    return request.state == ABSENT or observed.half_deleted


def needs_machine(request: Request, observed: Observed) -> bool:
    """True if the request creates the cluster."""
    gone = not observed.nodes or observed.abandoned or observed.half_deleted
    return request.state != ABSENT and gone


def plan(request: Request, observed: Observed) -> Plan:
    """The steps to the requested state.

    Raises Declined if volumes would lose data, if the existing cluster differs from the requested one, if its nodes
    exist but kubeadm never ran, if it may be unfinished and cannot be asked, or if this host cannot run it, and
    BadInput if the recorded configuration is unreadable.
    """
    return _plan_absent(request, observed) if request.state == ABSENT else _plan_present(request, observed)


def _plan_absent(request: Request, observed: Observed) -> Plan:
    if needs_blockers(request, observed):
        subject = f"Cluster {request.spec.name} cannot be deleted safely"
        decline(subject, observed.blockers, "To delete it and lose this data, set force=true.")
    # The kubeconfig entries of a cluster that no longer exists are removed as well.
    entries = observed.named or observed.merged or observed.outdated
    remove = bool(observed.nodes) or observed.unfinished or entries
    context = context_name(request.spec.name)
    warnings = tuple(
        f"The kubeconfig {path} keeps its entry {context}: the certificate authority in it is not proved to be that of "
        "this cluster, so that another one may need it. If none does: "
        f"kubectl --kubeconfig {path} config delete-context {context}"
        for path in observed.unproved
    )
    return Plan(request, observed, remove=remove, warnings=(*observed.notes, *warnings))


def _plan_present(request: Request, observed: Observed) -> Plan:
    spec = request.spec
    if needs_machine(request, observed):
        _decline_rest_of_deletion(request, observed)
        if observed.machine is not None:
            decline(f"Cluster {spec.name} cannot be created on this host", refusals(spec, observed.machine))
        remove = bool(observed.nodes) or observed.named
        return Plan(
            request,
            observed,
            remove,
            observed.missing,
            create=True,
            merge=request.merge_kubeconfig,
            finish=True,
        )
    _decline_unknown(spec.name, observed)
    decline_drift(spec, container_drift(spec, observed.nodes, observed.image_ids))
    warnings = compare_record(spec, observed.record, unfinished=observed.unfinished) if observed.version else ()
    return Plan(
        request,
        observed,
        start=tuple(node for node in observed.nodes if node.state != "running"),
        write_kubeconfig=not observed.connects,
        merge=request.merge_kubeconfig and not observed.merged,
        finish=observed.unfinished,
        adopt=bool(observed.version) and not observed.unfinished and needs_adoption(spec, observed.record),
        version=observed.version,
        warnings=warnings,
    )


def _decline_rest_of_deletion(request: Request, observed: Observed) -> None:
    """Raise Declined if an interrupted deletion left nodes that may have been used since."""
    if needs_blockers(request, observed):
        name = request.spec.name
        step = f"To finish the deletion: {_FORCE}, or with backup set. Then run this again."
        decline(f"The deletion of cluster {name} was interrupted, and its rest may be in use", observed.blockers, step)


def _decline_unknown(name: str, observed: Observed) -> None:
    """Raise Declined if nobody knows whether the cluster was ever usable."""
    if observed.half_created and observed.doubt and observed.mark is not None:
        stopped = observed.stopped
        start = f"Start its nodes: {observed.engine} start {' '.join(stopped)}, and run this again." if stopped else ""
        decline(
            f"Cluster {name} may be unfinished, and may have volumes",
            [Refusal(name, f"its creation was interrupted ({observed.mark.who}), and {observed.doubt}")],
            start,
            f"To delete it with everything in it: {_FORCE}.",
        )
    if not observed.has_credentials and not observed.named:
        raise Declined(
            f"The nodes of cluster {name} exist, but kubeadm never ran in them; it is unknown who created them.",
            tried=kind_command(observed.engine, f"get kubeconfig --name {name}"),
            next_step=f"Delete them: {kind_command(observed.engine, f'delete cluster --name {name}')}, or {_FORCE}.",
        )
