# Copyright: kindlab.volumes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Volumes whose data no backup has: where it is, for people."""

from __future__ import annotations

from ansible_collections.kindlab.volumes.plugins.module_utils._core.kube.objects import Object
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kube.volumes import Volume
from ansible_collections.kindlab.volumes.plugins.module_utils._core.local_data.manifests import LABEL


def data_elsewhere(volume: Volume, pv: Object) -> str:
    """Where the data is, e.g. 'on nfs.example:/export'; '' for a directory in a node, which a backup saves."""
    source = pv["spec"].get(volume.source) or {}
    if belongs_to_host(pv):
        return f"in {volume.node_directory}, which belongs to the host"
    if volume.is_block:
        return f"on the block device {volume.node_directory or volume.source}"
    if volume.node_directory:
        return ""
    if volume.source == "csi":
        return f"managed by the CSI driver {source.get('driver', 'unknown')}"
    if volume.source == "nfs":
        return f"on {source.get('server', '')}:{source.get('path', '')}"
    if volume.source == "iscsi":
        return f"on {source.get('targetPortal', '')}, {source.get('iqn', '')}"
    return f"in its own storage ({volume.source or 'unknown'})"


def belongs_to_host(pv: Object) -> bool:
    """True for a volume of local_data."""
    return LABEL in (pv["metadata"].get("labels") or {})
