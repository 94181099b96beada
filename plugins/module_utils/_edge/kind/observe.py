# Copyright: kindlab.volumes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Observe one kind cluster, existing or not, and its files on this host."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from ansible_collections.kindlab.volumes.plugins.module_utils._core.errors import Unreachable
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kind.host.observed import Observed
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kind.plan import (
    Request,
    needs_blockers,
    needs_machine,
)
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kind.view import ABSENT
from ansible_collections.kindlab.volumes.plugins.module_utils._core.refusals import Refusal
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.kind.host import directories, machine
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.kind.proof import directories as inside
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.kind.proof import unfinished
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.kind.proof.entries import unproved_files, used_files

from .cluster import KindCluster

# removal.find_blockers(): why a cluster must not be deleted.
FindBlockers = Callable[..., tuple[Refusal, ...]]


def observe(cluster: KindCluster, request: Request, find_blockers: FindBlockers | None = None) -> Observed:
    """The current state, with what a deletion would lose, and what a creation needs, if that matters.

    Without find_blockers these are left out. Raises BadInput, TimedOut, Unreachable.
    """
    observed = _observe(cluster, request)
    if observed.half_created:
        unused, doubt = unfinished.look(cluster.engine, observed.nodes, lambda: cluster.api(own_file=False))
        observed = replace(observed, unused=unused, doubt=doubt)
    if find_blockers is None:
        return observed
    if needs_blockers(request, observed):
        blockers, notes = _blockers(cluster, observed, request, find_blockers)
        observed = replace(observed, blockers=blockers, notes=notes)
        # Reading data takes as long as it takes.
        cluster.restart_clock()
    if needs_machine(request, observed) and not observed.blockers:
        spec, program, assumed = request.spec, cluster.kind.program, request.assume_image
        seen = machine.look(cluster.engine, spec, program, observed.nodes, assume_image=assumed)
        observed = replace(observed, machine=seen)
    return observed


def _blockers(
    cluster: KindCluster, observed: Observed, request: Request, find_blockers: FindBlockers
) -> tuple[tuple[Refusal, ...], tuple[str, ...]]:
    """Why it must not be deleted, and what is deleted with it nevertheless."""
    try:
        with cluster.api(own_file=observed.connects) as api:
            nodes = cluster.proved(api, observed.nodes)
            assumed = request.assume_unused, request.assume_saved
            accepted = request.accept_loss
            found = find_blockers(api, cluster.unbound, nodes, request.backup, *assumed, accept_loss=accepted)
            written = inside.look(api, cluster.engine, nodes, accepted)
            data = (one.refusal(observed.engine) for one in written if not one.is_state)
            return (*found, *data), tuple(one.warning() for one in written if one.is_state)
    except Unreachable as error:
        start = "Start the cluster: kindlab.volumes.kind_cluster with state=present."
        if observed.half_created and observed.stopped:
            start = f"Start its nodes: {observed.engine} start {' '.join(observed.stopped)}, and run this again."
        why = f"it is unknown whether volumes would lose data: {error.message}"
        return (Refusal(cluster.name, why, start),), ()


def _observe(cluster: KindCluster, request: Request) -> Observed:
    """For a healthy cluster these are two calls of the engine and two of the API."""
    spec, name = request.spec, cluster.name
    missing = directories.missing(spec.directories)
    nodes = cluster.engine.nodes(name)
    mark, named = cluster.marker.read(), cluster.own.has_cluster(name)
    connects, has_credentials = named, True
    version, record = "", None
    if nodes and all(node.state == "running" for node in nodes):
        version, record = cluster.read_proved(nodes) if named else ("", None)
        if not version:
            # Its file is gone, or belongs to an earlier cluster of this name, or the API server is just starting.
            text = cluster.kind.kubeconfig(name)
            has_credentials = text is not None
            connects = named and (text is None or cluster.own.has_credentials_of(name, text))
            version, record = ("", None) if connects or text is None else cluster.try_read(own_file=False)
    needed = request.merge_kubeconfig or request.state == "absent"
    merged, outdated = cluster.in_users_file(nodes, needed=needed)
    if request.state != ABSENT:
        unproved: tuple[str, ...] = ()
    elif nodes and not version:
        unproved = unproved_files(cluster, nodes)
    else:
        unproved = used_files(cluster, nodes, own=named and not (connects and version), users=outdated)
    if cluster.own.path in unproved:
        named = connects = False
    if cluster.users.path in unproved:
        merged = outdated = False
    return Observed(
        kubeconfig=cluster.own.path,
        engine=cluster.engine.name,
        nodes=nodes,
        mark=mark,
        named=named,
        connects=connects,
        merged=merged,
        outdated=outdated,
        unproved=unproved,
        has_credentials=has_credentials,
        image_ids={image: cluster.engine.image_id(image) or "" for image in spec.renamed_images(nodes)},
        version=version,
        record=record,
        missing=missing,
    )
