"""Runs of kind_cluster on a host in memory, with real files, and volumes in its clusters."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from ansible_collections.kindlab.volumes.plugins.module_utils._action import volume_backup
from ansible_collections.kindlab.volumes.plugins.module_utils._action.kind_cluster import run
from ansible_collections.kindlab.volumes.plugins.module_utils._core.errors import KindlabError
from ansible_collections.kindlab.volumes.plugins.module_utils._core.options import defaults
from ansible_collections.kindlab.volumes.plugins.module_utils._core.outcome import Outcome
from ansible_collections.kindlab.volumes.tests.unit.support.kind_host import Object, OpenKindHost

DEFAULTS = {
    "name": "lab",
    "state": "present",
    "engine": "docker",
    "image": "kindest/node:v1.34.4",
    "control_planes": 1,
    "workers": 1,
    "kubeconfig": None,
    "merge_kubeconfig": False,
    "retain_on_failure": False,
    "wait_timeout": 1,
    "backup": None,
    "force": False,
}
SAVE = {**defaults(volume_backup.ARGUMENTS), "engine": "docker", "cluster": "lab", "compression": "gzip"}


class Place:
    """One host, its directory, and runs on it."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.host = OpenKindHost()
        self.kubeconfig = path / "kube" / "lab.yaml"
        self.marker = path / "kube" / "kind-lab.unfinished"
        self.data = path / "data"
        self.backup = path / "backup"

    def options(self, **options: Any) -> dict[str, Any]:
        mounts = [{"host_path": str(self.data), "node_path": "/var/local-path-provisioner", "mode": "0750"}]
        return {**DEFAULTS, "mounts": mounts, "kubeconfig": str(self.kubeconfig), **options}

    def run(self, check_mode: bool = False, **options: Any) -> Outcome:
        return run(self.options(**options), check_mode, runner=self.host, connect=self.host.connect)

    def predicted(self, **options: Any) -> Outcome:
        """Run in check mode, which must write nothing, and then in earnest: both must tell the same."""
        files = sorted(self.path.rglob("*"))
        calls = len(self.host.writes())
        told = self.run(True, **options)
        assert len(self.host.writes()) == calls
        assert sorted(self.path.rglob("*")) == files
        done = self.run(**options)
        assert (told.changed, told.before, told.after) == (done.changed, done.before, done.after)
        return done

    def refused(self, error: type[KindlabError], **options: Any) -> KindlabError:
        """Both check mode and the run refuse, with the same words and without a write."""
        calls = len(self.host.writes())
        told = []
        for check_mode in (True, False):
            with pytest.raises(error) as raised:
                self.run(check_mode, **options)
            told.append(raised.value.text())
        assert told[0] == told[1]
        assert len(self.host.writes()) == calls
        return raised.value

    def use(self, *items: Object, node_path: str = "/var/local-path-provisioner") -> None:
        """Volumes and claims in the cluster; a volume below the mount has a directory with a file."""
        for item in items:
            self.api.put(item)
            path = Path(item["spec"].get("hostPath", {}).get("path", "/"))
            if path.is_relative_to(node_path):
                directory = self.data / path.relative_to(node_path)
                directory.mkdir()
                (directory / "file").write_text("content")

    def save(self, **options: Any) -> str:
        """A backup of all volumes; its path."""
        asked = {**SAVE, "path": str(self.backup), **options}
        volume_backup.run(asked, False, runner=self.host, connect=lambda *_where: self.api)
        return str(self.backup)

    @property
    def api(self) -> Any:
        return self.host.clusters["lab"]


def volume(name: str, directory: str, policy: str = "Retain", claim: str = "", node: str = "") -> list[Object]:
    spec: Object = {"hostPath": {"path": directory}, "persistentVolumeReclaimPolicy": policy}
    if node:
        term = {"matchExpressions": [{"key": "kubernetes.io/hostname", "operator": "In", "values": [node]}]}
        spec["nodeAffinity"] = {"required": {"nodeSelectorTerms": [term]}}
    if not claim:
        return [{"kind": "PersistentVolume", "metadata": {"name": name}, "spec": spec}]
    spec["claimRef"] = {"namespace": "default", "name": claim}
    return [
        {"kind": "PersistentVolume", "metadata": {"name": name}, "spec": spec, "status": {"phase": "Bound"}},
        {
            "kind": "PersistentVolumeClaim",
            "metadata": {"namespace": "default", "name": claim},
            "spec": {"volumeName": name},
            "status": {"phase": "Bound"},
        },
    ]
