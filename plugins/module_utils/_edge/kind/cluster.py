# Copyright: kindlab.volumes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Handle of one kind cluster on this host: engine, kind CLI, kubeconfigs, marker file and API."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from ansible_collections.kindlab.volumes.plugins.module_utils._core.errors import KindlabError, Unreachable
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kind.nodes import (
    Node,
    context_name,
    default_kubeconfig,
)
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kind.plan import Observed
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kind.spec import ClusterSpec, checked_name
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.command import Runner
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.engine import find_engine
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.kube.client import Cluster

from . import host_directories, live
from .cli import Kind
from .kubeconfig import Kubeconfig, temporary_file, user_kubeconfig
from .marker import Marker

Connect = Callable[[str, str], Cluster]


class KindCluster:
    """One kind cluster, existing or not; options are those of kind_cluster."""

    def __init__(self, options: Mapping[str, Any], runner: Runner, connect: Connect) -> None:
        self.name = checked_name(options["name"])
        self.timeout = float(options.get("wait_timeout") or 0)
        self.engine = find_engine(options["engine"], runner)
        self.kind = Kind(runner, self.engine.name, options.get("kind") or "kind")
        path = options.get("kubeconfig") or default_kubeconfig(self.name)
        self.own = Kubeconfig(os.path.abspath(os.path.expanduser(path)))
        self.users = Kubeconfig(user_kubeconfig(os.environ))
        self.marker = Marker(self.own.path)
        self._connect = connect

    def observe(self, spec: ClusterSpec, *, wait: bool) -> Observed:
        """The current state; wait: until no other run works on the cluster. Raises BadInput, TimedOut, Unreachable.

        For a healthy cluster these are two calls of the engine and two of the API.
        """
        missing = host_directories.missing(spec.directories)
        if wait:
            self.marker.wait(self.name, self.timeout, lambda: self.kind.is_creating(self.name))
        nodes = self.engine.nodes(self.name)
        unfinished, named = self.marker.exists(), self.own.has_cluster(self.name)
        connects, has_credentials, has_volumes = named, True, False
        version, record = "", None
        if nodes and all(node.state == "running" for node in nodes):
            version, record = self.read_proved(nodes) if named else ("", None)
            if not version:
                # Its file is gone, or belongs to an earlier cluster of this name, or the API server is just starting.
                text = self.kind.kubeconfig(self.name)
                has_credentials = text is not None
                connects = named and (text is None or self.own.has_credentials_of(text))
                has_volumes = unfinished and has_credentials and self._has_volumes()
                version, record = ("", None) if connects or text is None else self.try_read(own_file=False)
        return Observed(
            kubeconfig=self.own.path,
            engine=self.engine.name,
            nodes=nodes,
            unfinished=unfinished,
            removing=self.marker.is_removal(),
            named=named,
            connects=connects,
            merged=self.users.has_cluster(self.name),
            has_credentials=has_credentials,
            has_volumes=has_volumes,
            image_ids={image: self.engine.image_id(image) or "" for image in spec.renamed_images(nodes)},
            version=version,
            record=record,
            missing=missing,
        )

    def read_proved(self, nodes: Sequence[Node]) -> tuple[str, dict[str, Any] | None]:
        """As try_read, by the cluster's own file. Raises BadInput if that leads to another cluster, which answers."""
        try:
            api = self._connect(self.own.path, context_name(self.name))
        except KindlabError:
            return "", None
        return live.read_proved(api, self.engine, nodes)

    @contextmanager
    def proved(self, nodes: Sequence[Node], *, own_file: bool) -> Iterator[tuple[Cluster, tuple[Node, ...]]]:
        """The cluster's API, proved to be that of these nodes, and the nodes compared with this host.

        Raises BadInput if it is another cluster's, Unreachable if that cannot be known.
        """
        with self.api(own_file=own_file) as api:
            yield api, live.proved(api, self.engine, nodes)

    def read(self, *, own_file: bool) -> tuple[str, dict[str, Any] | None]:
        """The API server's version, and the ConfigMap of the recorded configuration. Raises KindlabError."""
        with self.api(own_file=own_file) as api:
            return live.read(api)

    def try_read(self, *, own_file: bool) -> tuple[str, dict[str, Any] | None]:
        """The same, ('', None) if the API server does not answer."""
        try:
            return self.read(own_file=own_file)
        except KindlabError:
            return "", None

    @contextmanager
    def api(self, *, own_file: bool = True) -> Iterator[Cluster]:
        """The cluster's API, by its own kubeconfig or by the one that kind prints. Raises Unreachable."""
        if own_file:
            yield self._connect(self.own.path, context_name(self.name))
            return
        text = self.kind.kubeconfig(self.name)
        if text is None:
            raise Unreachable(
                f"The control plane of cluster {self.name} is not running.",
                tried=self.kind.command(f"get kubeconfig --name {self.name}"),
            )
        with temporary_file(text) as path:
            yield self._connect(path, context_name(self.name))

    def _has_volumes(self) -> bool:
        try:
            with self.api(own_file=False) as api:
                return bool(api.list("PersistentVolume"))
        except KindlabError:
            return False
