# Copyright: kindlab.volumes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""rancher's local-path-provisioner with sharedFileSystemPath: one directory that is the same on all nodes."""

from __future__ import annotations

from collections.abc import Sequence

from ansible_collections.kindlab.volumes.plugins.module_utils._core.kube.objects import Object
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kube.volumes import Volume

from . import manifests as parts
from .local_path import LocalPath, read_config
from .request import Request


class LocalPathShared(LocalPath):
    """The provisioner local_path_shared: volumes without node affinity. Its helper pods run on any node."""

    binds_at_once = True
    shared = True

    def check(self, request: Request) -> None:
        """Raise BadInput for what this provisioner can't do."""
        super().check(request)
        parts.one_directory(request)

    def is_configured(self, config_map: Object | None) -> bool:
        """True where one of this driver is this provisioner, and not the one that its other configuration makes it."""
        return bool(read_config(config_map).get("sharedFileSystemPath"))

    def paths(self, deployment: Object, config_map: Object | None) -> list[Object]:
        """Where a provisioner that is there makes volumes: [{node, paths}], node '' for all."""
        del deployment
        path = read_config(config_map).get("sharedFileSystemPath")
        return [{"node": "", "paths": [path]}] if isinstance(path, str) and path else []

    def abandons(self, volume: Volume, directories: Sequence[str]) -> str:
        """Why it would not remove a volume's directory; '' where it would.

        Source: getPathAndNodeForPV, which forgets the affinity. The directory of one node is looked for on any,
        where `rm -rf` finds nothing and succeeds.
        """
        if not volume.nodes or any(volume.node_directory.startswith(f"{path}/") for path in directories):
            return ""
        return f"its directory is on {', '.join(volume.nodes)} and would be looked for on any node"

    def refuses(self, claim: Object) -> str:
        """Why it would make no volume for a claim; '' where it would."""
        del claim
        return ""

    def config(self, request: Request) -> Object:
        """Where volumes are made, as config.json says it."""
        return {"sharedFileSystemPath": parts.one_directory(request)}
