# Copyright: kindlab.volumes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Write reclaim policies of PersistentVolumes."""

from __future__ import annotations

from contextlib import suppress

from ansible_collections.kindlab.volumes.plugins.module_utils._core.scaling.reclaim import Policies

from .api import Missing
from .client import Cluster


def write(cluster: Cluster, policies: Policies) -> None:
    """Write all changes; a volume that is gone meanwhile needs none."""

    def write_one(name: str) -> None:
        with suppress(Missing):
            cluster.patch("PersistentVolume", name, policies.patches[name])

    cluster.each(write_one, policies.patches)
