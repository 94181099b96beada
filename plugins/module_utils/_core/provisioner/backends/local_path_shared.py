# Copyright: kindlab.volumes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The provisioner local_path_shared, local-path-provisioner with sharedFileSystemPath: one directory of all nodes."""

from __future__ import annotations

from collections.abc import Sequence

from ansible_collections.kindlab.volumes.plugins.module_utils._core.kube.objects import Object
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kube.volumes import Volume

from .base import Settings
from .local_path import LocalPath, read_config


class LocalPathShared(LocalPath):
    """Volumes without node affinity; helper pods run on any node."""

    name = "local_path_shared"
    shared = True
    supports_immediate_binding = True

    def is_configured(self, config_map: Object | None) -> bool:
        return bool(read_config(config_map).get("sharedFileSystemPath"))

    def paths(self, _deployment: Object, config_map: Object | None) -> list[Object]:
        path = read_config(config_map).get("sharedFileSystemPath")
        return [{"node": "", "paths": [path]}] if isinstance(path, str) and path else []

    def cannot_delete_reason(self, volume: Volume, directories: Sequence[str]) -> str:
        """Source: getPathAndNodeForPV, which ignores the affinity: on any node `rm -rf` finds nothing and succeeds."""
        if not volume.nodes or any(volume.node_directory.startswith(f"{path}/") for path in directories):
            return ""
        nodes = ", ".join(volume.nodes)
        return f"its directory is on {nodes}; its helper pod could run on another node and delete nothing"

    def cannot_provision_reason(self, _claim: Object) -> str:
        return ""

    def config(self, settings: Settings) -> Object:
        return {"sharedFileSystemPath": self.directory(settings)}
