# Copyright: kindlab.volumes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Observe local data: the directory on the host and in the nodes, its contents, and the cluster's objects."""

from __future__ import annotations

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from ansible_collections.kindlab.volumes.plugins.module_utils._core.local_data.access import check_contents
from ansible_collections.kindlab.volumes.plugins.module_utils._core.local_data.location import (
    DirectoryLocation,
    check_same_directory,
    find_location,
)
from ansible_collections.kindlab.volumes.plugins.module_utils._core.local_data.model import Observed
from ansible_collections.kindlab.volumes.plugins.module_utils._core.local_data.policy import (
    BINDING,
    NOT_ENFORCED,
    POLICY,
)
from ansible_collections.kindlab.volumes.plugins.module_utils._core.local_data.request import Request
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.command import Runner
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.kube.api import Missing
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.kube.client import Cluster
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.observe import Connect, Observation, observe

from .host import host_directory
from .nodes import contents, state_of_directory

READ = ("PersistentVolume", "PersistentVolumeClaim", "Namespace", "Pod")


def observe_local_data(
    request: Request, options: Mapping[str, Any], *, runner: Runner | None, connect: Connect
) -> tuple[Cluster, Observed, tuple[str, ...]]:
    """The cluster, what was read of it, and warnings; the data itself is read for state present only.

    Raises BadInput or Conflict if a pod could not use the data, or would see other data.
    """
    host = host_directory(options["path"], options["root"]) if request.state == "present" else None
    try:
        found = observe(options, (*READ, POLICY, BINDING), runner=runner, connect=connect)
    except Missing:
        found = observe(options, READ, runner=runner, connect=connect)
    nodes = found.nodes
    if host is None:
        return found.cluster, Observed.from_objects(found.objects, nodes, None), ()
    location, warnings = _check_data(request, host, found)
    observed = Observed.from_objects(found.objects, nodes, location)
    if request.read_only and observed.policy is None:
        warnings = (*warnings, NOT_ENFORCED)
    return found.cluster, observed, warnings


def _check_data(request: Request, path: str, found: Observation) -> tuple[DirectoryLocation, tuple[str, ...]]:
    engine, nodes, needed = found.engine, found.nodes, [node.name for node in found.nodes if node.takes_pods]
    location = find_location(path, nodes, needed, read_only=request.read_only, engine=engine.name)
    directory = location.node_directory
    with ThreadPoolExecutor(1) as pool:
        first = engine.inside(location.nodes[0])
        reading = pool.submit(contents, first, directory, request.user, read_only=request.read_only)
        states = found.cluster.each(lambda name: state_of_directory(engine.inside(name), directory), location.nodes)
        inside = dict(zip(location.nodes, states))
        warnings = check_same_directory(location, nodes, inside, read_only=request.read_only)
        check_contents(request, location, reading.result())
    return location, warnings
