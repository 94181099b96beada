# Copyright: kindlab.volumes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Observe this machine for a map: the clusters of its engine, side by side, with their backups."""

from __future__ import annotations

import itertools
import json
import os
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor

from ansible_collections.kindlab.volumes.plugins.module_utils._core.errors import BadInput
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kube.objects import Object
from ansible_collections.kindlab.volumes.plugins.module_utils._core.map.cluster import cluster_map
from ansible_collections.kindlab.volumes.plugins.module_utils._core.map.model import Source, checked, lab
from ansible_collections.kindlab.volumes.plugins.module_utils._core.map.plan import Observed
from ansible_collections.kindlab.volumes.plugins.module_utils._core.map.request import Request
from ansible_collections.kindlab.volumes.plugins.module_utils._edge import text_file
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.command import Runner
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.engine import find_engine
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.inventory.survival import Saved, find_saved
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.observe import Connect

from .cluster import find_source

CLUSTERS_AT_ONCE = 4
Backups = Sequence[tuple[str, Saved]]


def observe_lab(request: Request, engine: str, created: str, runner: Runner, connect: Connect) -> Observed:
    """The machine, unless maps are given. engine: its option; created: the time. Raises BadInput and Unreachable."""
    before = _read(request.before) if request.before else None
    existing = ""
    if request.path:
        text_file.check(request.path)
        existing = text_file.read(request.path)
    if request.maps is not None:
        hosts = [host for one in request.maps for host in one["hosts"]]
        return Observed(lab(created, hosts), before, existing)
    backups = [(path, find_saved(path)) for path in request.backups]
    host = _machine(request, engine, backups, runner, connect)
    warnings = [f"The backup {path} is not in the map: {saved.why_not}" for path, saved in backups if not saved.backup]
    told = [
        f"The volumes of cluster {cluster['name']} are not in the map: {cluster['problem']}"
        for cluster in host["clusters"]
        if cluster["problem"]
    ]
    return Observed(lab(created, [host]), before, existing, (*warnings, *told))


def _machine(request: Request, name: str, backups: Backups, runner: Runner, connect: Connect) -> Object:
    engine = find_engine(name, runner)
    nodes = engine.nodes()
    grouped = {key: tuple(own) for key, own in itertools.groupby(nodes, key=lambda node: node.cluster)}
    missing = [cluster for cluster in request.clusters if cluster not in grouped]
    if missing:
        raise BadInput(
            f"{engine.name} has no node of a kind cluster named {', '.join(missing)}.",
            next_step=f"Correct clusters, or omit it to show all: {', '.join(grouped) or 'there is none'}.",
        )
    names = [cluster for cluster in grouped if not request.clusters or cluster in request.clusters]

    def find(cluster: str) -> Source:
        kubeconfig = request.kubeconfigs.get(cluster)
        options: Mapping[str, object] = {
            "engine": name,
            "cluster": cluster,
            "kubeconfig": kubeconfig and os.path.expanduser(kubeconfig),
            "context": None,
        }
        return find_source(options, grouped[cluster], _backup_of(cluster, backups), runner, connect, full=request.full)

    with ThreadPoolExecutor(CLUSTERS_AT_ONCE) as pool:
        clusters = [cluster_map(source) for source in pool.map(find, names)]
    return {"name": request.host or os.uname().nodename, "engine": engine.name, "clusters": clusters}


def _backup_of(cluster: str, backups: Backups) -> tuple[str, Saved]:
    """The path and content of the backup that was written last of a cluster."""
    own = [
        (saved.backup.catalog.created, path, saved)
        for path, saved in backups
        if saved.backup and saved.backup.catalog.cluster.name == cluster
    ]
    if own:
        _created, path, saved = max(own, key=lambda one: one[:2])
        return path, saved
    unread = next((saved for _path, saved in backups if not saved.backup), None)
    return "", unread or (Saved(why_not="none of the backups is of this cluster") if backups else Saved())


def _read(path: str) -> Object:
    """An earlier map. Raises BadInput."""
    text = text_file.read(path)
    try:
        content = json.loads(text)
    except (ValueError, RecursionError):
        content = None
    return checked(content, f"before={path}")
