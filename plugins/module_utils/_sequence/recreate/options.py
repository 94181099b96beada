# Copyright: kindlab.volumes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Options of the actions that a recreation runs: its own, and the defaults of their argument specs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible_collections.kindlab.volumes.plugins.module_utils._action import (
    kind_cluster,
    storage_provisioner,
    volume_backup,
    volume_detach,
    volume_restore,
)
from ansible_collections.kindlab.volumes.plugins.module_utils._core.options import defaults

Options = dict[str, Any]


class ActionOptions:
    """The options of kind_cluster_recreate as options of other actions. path: of the backup, absolute."""

    def __init__(self, options: Mapping[str, Any], path: str) -> None:
        self._options = options
        self._path = path
        self.common: Options = {**self._own("cluster", "engine", "kubeconfig"), "context": None}

    def cluster(self, **more: Any) -> Options:
        """Of kind_cluster and kind_cluster_info."""
        own = {"name": self._options["cluster"], **self._own("engine", "kind", "kubeconfig")}
        return {**defaults(kind_cluster.ARGUMENTS), **own, **more}

    def storage(self, recorded: Mapping[str, Any]) -> Options:
        """Of storage_provisioner. recorded: as storage_provisioner_info returns them."""
        return {**defaults(storage_provisioner.ARGUMENTS), **self.common, **recorded}

    def detach(self, state: str, **more: Any) -> Options:
        """Of volume_detach."""
        own = self._own("unmanaged", "wait_timeout")
        return {**defaults(volume_detach.ARGUMENTS), **self.common, **own, "state": state, **more}

    def backup(self, **more: Any) -> Options:
        """Of volume_backup."""
        own = {"path": self._path, **self._own("data", "checksums", "keep")}
        return {**defaults(volume_backup.ARGUMENTS), **self.common, **own, **more}

    def restore(self, generation: str) -> Options:
        """Of volume_restore."""
        own = {"path": self._path, "generation": generation, **self._own("reclaim_policy", "wait_timeout")}
        return {**defaults(volume_restore.ARGUMENTS), **self.common, **own, "verify": self._options["checksums"]}

    def _own(self, *names: str) -> Options:
        return {name: self._options[name] for name in names}
