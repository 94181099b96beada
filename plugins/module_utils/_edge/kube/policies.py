# Copyright: kindlab.volumes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Write reclaim policies of PersistentVolumes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from contextlib import suppress

from ansible_collections.kindlab.volumes.plugins.module_utils._core.kube.binding import kept_change
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kube.objects import Object
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kube.volumes import read_volumes
from ansible_collections.kindlab.volumes.plugins.module_utils._core.scaling.reclaim import Policies, originals

from .api import Missing
from .client import Cluster


def write(cluster: Cluster, policies: Policies) -> None:
    """Write all changes; a volume that is gone meanwhile needs none."""

    def write_one(name: str) -> None:
        with suppress(Missing):
            cluster.patch("PersistentVolume", name, policies.patches[name])

    cluster.each(write_one, policies.patches)


def write_originals(cluster: Cluster, policies: Mapping[str, str]) -> Policies:
    """Set these policies, by volume's name, of those that have not lost their claims meanwhile; what was written."""
    if not policies:
        return Policies()
    volumes = read_volumes(*cluster.lists("PersistentVolume", "PersistentVolumeClaim"))
    written = originals(policies, volumes)
    write(cluster, written)
    return written


def keep(cluster: Cluster, pvs: Iterable[Object]) -> None:
    """Keep the data of volumes whose claims are going to be deleted."""
    cluster.each(lambda pv: cluster.patch("PersistentVolume", pv["metadata"]["name"], kept_change(pv)), pvs)
