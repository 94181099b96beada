# Copyright: kindlab.volumes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Collect the objects of a cluster that a backup saves."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

from ansible_collections.kindlab.volumes.plugins.module_utils._core.objects.selection import Selection, select
from ansible_collections.kindlab.volumes.plugins.module_utils._core.objects.stored.collected import Collected
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.kube.client import Cluster

from . import baseline, reader


def collect_all(cluster: Cluster) -> Collected:
    """Those of the whole cluster. Raises BadInput for a damaged baseline."""
    return collect(cluster, Selection())


def collect(cluster: Cluster, selection: Selection) -> Collected:
    """Raises BadInput for kinds and namespaces that the cluster does not have, and for a damaged baseline."""
    with ThreadPoolExecutor(1) as pool:
        recorded = pool.submit(baseline.read, cluster)
        found, unknown = reader.discover_all(cluster)
        resources = selection.resources(reader.stored(cluster, found))
        items, refused = reader.read(cluster, resources, selection.namespaces, selection.labels)
        selection.check(items)
        brought = recorded.result()
    unread = [*refused, *(unknown if selection.is_everything else ())]
    saved = select(items, resources, brought, selection)
    return Collected(saved, brought is not None, selection, tuple(unread))
