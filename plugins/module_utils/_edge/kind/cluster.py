# Copyright: kindlab.volumes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What surrounds one kind cluster on this host: engine, kind, kubeconfigs, the mark of its creation."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from ansible_collections.kindlab.volumes.plugins.module_utils._core.errors import KindlabError, Unreachable
from ansible_collections.kindlab.volumes.plugins.module_utils._core.images import plain_name
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kind.nodes import Node, default_kubeconfig
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kind.plan import Observed
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kind.spec import ClusterSpec, checked_name
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.command import Runner
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.engine import find_engine
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.kube.client import Cluster

from .cli import Kind
from .kubeconfig import (
    Kubeconfig,
    context_of,
    passing,
    users_own,
)
from .marker import Mark

Connect = Callable[[str, str], Cluster]


class Lab:
    """The edges of one run; options are those of kind_cluster."""

    def __init__(self, options: Mapping[str, Any], runner: Runner, connect: Connect) -> None:
        self.name = checked_name(options["name"])
        self.context = context_of(self.name)
        self.options = options
        self.timeout = float(options.get("wait_timeout") or 0)
        self.engine = find_engine(options["engine"], runner)
        self.kind = Kind(runner, self.engine.name, options.get("kind") or "kind")
        self.own = Kubeconfig(
            os.path.abspath(os.path.expanduser(options.get("kubeconfig") or default_kubeconfig(self.name)))
        )
        self.users = Kubeconfig(users_own(os.environ))
        self.mark = Mark(self.own.path)
        self._connect = connect

    def cluster(self, kubeconfig: str) -> Cluster:
        """The cluster's API, by that file."""
        return self._connect(kubeconfig, self.context)

    def observe(self, missing: tuple[str, ...] = ()) -> Observed:
        """What is there, in two calls of the engine and one of the API where all is well."""
        nodes = self.engine.nodes(self.name)
        marked, removing = self.mark.marked(), self.mark.removing()
        named, merged = self.own.names(self.name), self.users.names(self.name)
        leads, credentials, used = named, True, False
        if nodes and all(n.state == "running" for n in nodes) and not self._answers(named):
            # Its file is gone, or is that of an earlier cluster of this name, or the API server is just starting.
            text = self.kind.kubeconfig(self.name)
            credentials = text is not None
            leads = named and self.own.leads_to(text or "") if credentials else named
            used = marked and credentials and self._has_volumes()
        return Observed(nodes, marked, removing, named, leads, merged, credentials, used, missing)

    def _answers(self, named: bool) -> bool:
        try:
            return named and bool(self.cluster(self.own.path).version())
        except KindlabError:
            return False

    def _has_volumes(self) -> bool:
        try:
            with self.reached(False) as cluster:
                return bool(cluster.list("PersistentVolume"))
        except KindlabError:
            return False

    def wait_for_others(self) -> None:
        """Wait until no other run, nor what is left of one, is at work on the cluster. Raises TimedOut."""
        self.mark.wait(self.timeout, lambda: self.kind.at_work(self.name))

    @contextmanager
    def reached(self, has_file: bool) -> Iterator[Cluster]:
        """The cluster's API, also where its own file is not there. Raises Unreachable."""
        if has_file:
            yield self.cluster(self.own.path)
            return
        text = self.kind.kubeconfig(self.name)
        if text is None:
            raise Unreachable(f"The control plane of {self.name} does not run.", tried="kind get kubeconfig")
        with passing(text) as path:
            yield self.cluster(path)

    def image_ids(self, spec: ClusterSpec, nodes: Sequence[Node]) -> dict[str, str]:
        """Ids of the images that are asked for under another name than that of the nodes."""
        names = {plain_name(node.image) for node in nodes}
        return {i: self.engine.image_id(i) or "" for i in spec.images if names != {plain_name(i)}}
