# Copyright: kindlab.volumes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What a recreation asks of each action that it is put together from, out of its own options."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from typing import Any

from ansible_collections.kindlab.volumes.plugins.module_utils._core.provisioner.request import STORAGE_DEFAULTS

Options = dict[str, Any]

_CLUSTER: Options = {
    "state": "present",
    "control_planes": 0,
    "workers": 0,
    "retain_on_failure": False,
    "merge_kubeconfig": False,
    "wait_for": "nodes",
    "wait_timeout": 300,
    "force": False,
}
_STORAGE: Options = {
    **STORAGE_DEFAULTS,
    "state": "present",
    "check_shared": True,
    "wait_timeout": 120,
    "force": False,
}


class Asked:
    """The options of cluster_recreate, as the options of others."""

    def __init__(self, options: Mapping[str, Any], path: str) -> None:
        """path: of the backup, absolute."""
        self._options = options
        self._path = path
        self.common: Options = {
            "cluster": options["cluster"],
            "engine": options["engine"],
            "kubeconfig": options["kubeconfig"],
            "context": None,
        }
        self._selection: Options = {**self.common, "names": None, "namespaces": None, "storage_classes": None}

    def cluster(self, **more: Any) -> Options:
        """Of kind_cluster and kind_cluster_info."""
        own = {name: self._options[name] for name in ("engine", "kind", "kubeconfig")}
        return {**_CLUSTER, "name": self._options["cluster"], **own, **more}

    def storage(self, wanted: Mapping[str, Any]) -> Options:
        """Of storage_provisioner. wanted: as storage_provisioner_info gives them."""
        return defaultdict(lambda: None, {**_STORAGE, **self.common, **wanted})

    def detach(self, state: str, **more: Any) -> Options:
        """Of volume_detach."""
        own = {name: self._options[name] for name in ("unmanaged", "timeout")}
        return {**self._selection, **own, "state": state, "path": None, "generation": None, "wait": False, **more}

    def backup(self, **more: Any) -> Options:
        """Of volume_backup."""
        own = {name: self._options[name] for name in ("data", "checksums", "keep")}
        return {
            **self._selection,
            "path": self._path,
            "label_selectors": None,
            "compression": "zstd",
            "compression_level": None,
            "without_api": "refuse",
            **own,
            **more,
        }

    def restore(self, generation: str) -> Options:
        """Of volume_restore."""
        return {
            **self._selection,
            "path": self._path,
            "generation": generation,
            "claims": True,
            "verify": self._options["checksums"],
            "reclaim_policy": self._options["reclaim_policy"],
            "node_map": {},
            "namespaces_too": True,
            "storage_classes_too": True,
            "wait_timeout": self._options["timeout"],
        }
