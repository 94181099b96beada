# Copyright: kindlab.volumes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The action of volume_info: reads everything at once, joins it, writes nothing."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from ansible_collections.kindlab.volumes.plugins.module_utils._core.kube.objects import Object
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kube.pods import pods_by_claim
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kube.volumes import read_volumes, select_volumes
from ansible_collections.kindlab.volumes.plugins.module_utils._core.options import API, ENGINE, SELECTION
from ansible_collections.kindlab.volumes.plugins.module_utils._core.outcome import Outcome
from ansible_collections.kindlab.volumes.plugins.module_utils._core.volumes.checks import (
    check_cluster,
    check_same_cluster,
)
from ansible_collections.kindlab.volumes.plugins.module_utils._core.volumes.places import (
    used_directories,
    watched_places,
)
from ansible_collections.kindlab.volumes.plugins.module_utils._core.volumes.report import describe, orphans
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.command import Runner
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.engine import find_engine
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.kube.client import Cluster, open_cluster

ARGUMENTS: dict[str, Any] = {
    **ENGINE,
    **API,
    **SELECTION,
}

KINDS = ("PersistentVolume", "PersistentVolumeClaim", "Pod", "ConfigMap", "Node")


def run(
    options: Mapping[str, Any],
    check_mode: bool,
    *,
    runner: Runner | None = None,
    connect: Callable[..., Cluster] = open_cluster,
) -> Outcome:
    """Volumes as they are; the same in check mode."""
    del check_mode
    engine = find_engine(options["engine"], runner or Runner())
    with ThreadPoolExecutor(2) as pool:
        reading_nodes = pool.submit(engine.nodes, options["cluster"])
        reading = pool.submit(_objects, options, connect)
        # Where the engine or the cluster is gone the API server is too: that is the cause to be told.
        nodes = reading_nodes.result()
        check_cluster(options["cluster"], nodes)
        pvs, claims, pods, config_maps, kubernetes_nodes = reading.result()
    check_same_cluster(options["cluster"], nodes, kubernetes_nodes)
    volumes = read_volumes(pvs, claims)
    chosen = select_volumes(
        volumes,
        names=options["names"],
        namespaces=options["namespaces"],
        storage_classes=options["storage_classes"],
    )
    watched = watched_places(volumes, config_maps, nodes)
    found, unread = subdirectories(watched)
    using = pods_by_claim(pods)
    return Outcome(
        changed=False,
        facts={
            "volumes": [describe(volume, nodes, using) for volume in chosen],
            "released": [volume.name for volume in chosen if volume.phase == "Released"],
            "orphan_directories": orphans(watched, found, used_directories(volumes, nodes)),
        },
        warnings=tuple(unread),
    )


def _objects(options: Mapping[str, Any], connect: Callable[..., Cluster]) -> tuple[list[Object], ...]:
    return connect(options["cluster"], options["kubeconfig"], options["context"]).lists(*KINDS)


def subdirectories(paths: Mapping[str, Any]) -> tuple[dict[str, list[str]], list[str]]:
    """The names of the directories in each of these; and a warning for each that can't be read."""
    found: dict[str, list[str]] = {}
    unread = []
    for path in paths:
        try:
            with os.scandir(path) as entries:
                found[path] = [entry.name for entry in entries if entry.is_dir(follow_symlinks=False)]
        except FileNotFoundError:
            continue
        except OSError as error:
            unread.append(f"Orphan directories are not looked for in {path}: {error.strerror}")
    return found, unread
