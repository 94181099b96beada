# Copyright: kindlab.volumes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Record what a new cluster brings by itself, and read it again."""

from __future__ import annotations

from ansible_collections.kindlab.volumes.plugins.module_utils._core.objects import baseline
from ansible_collections.kindlab.volumes.plugins.module_utils._core.objects.cleaning import cleaned
from ansible_collections.kindlab.volumes.plugins.module_utils._core.objects.model import key_of
from ansible_collections.kindlab.volumes.plugins.module_utils._core.objects.owners import Owners
from ansible_collections.kindlab.volumes.plugins.module_utils._core.objects.rules import ELSEWHERE
from ansible_collections.kindlab.volumes.plugins.module_utils._core.objects.selection import selecting
from ansible_collections.kindlab.volumes.plugins.module_utils._core.text import listed
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.kube.client import Cluster

from . import reader


def record(cluster: Cluster) -> tuple[str, ...]:
    """Record all objects of a cluster that nobody has used yet; warnings.

    Nothing is recorded if some cannot be read: they would seem to be people's.
    """
    resources, unknown = reader.discover_all(cluster)
    items, refused = reader.read(cluster, resources)
    if unknown or refused:
        names = [f"{row.key} ({row.why})" for row in (*unknown, *refused)]
        return (
            f"What the cluster brings by itself is not recorded, because a part cannot be read: {listed(names, 3)}",
        )
    found = {key_of(item): item for item in items}
    owners = Owners(found, selecting(items))
    brought = [
        cleaned(item)
        for key, item in sorted(found.items())
        if (key.group, key.kind) not in ELSEWHERE and not owners.is_made_again(item)
    ]
    for part in baseline.config_maps(brought):
        cluster.apply(part)
    return ()


def read(cluster: Cluster) -> baseline.Baseline | None:
    """What was recorded; None for a cluster that others created. Raises BadInput if it is damaged."""
    first = cluster.get("ConfigMap", baseline.NAME, baseline.NAMESPACE)
    if first is None:
        return None
    rest = [cluster.get("ConfigMap", name, baseline.NAMESPACE) for name in baseline.other_parts(first)]
    return baseline.read([first, *(part for part in rest if part)])
