# Copyright: kindlab.volumes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Handle of one kind cluster on this host: engine, kind CLI, kubeconfigs, marker file and API."""

from __future__ import annotations

import functools
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from ansible_collections.kindlab.volumes.plugins.module_utils._core.clock import Deadline
from ansible_collections.kindlab.volumes.plugins.module_utils._core.errors import BadInput, KindlabError, Unreachable
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kind.nodes import (
    Node,
    context_name,
)
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kind.spec import checked_name
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.command import BoundRunner, Completed, Runner
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.engine import find_engine
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.identity.proof import proved_nodes
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.kube.client import Cluster

from . import live
from .cli import Kind
from .kubeconfig import Kubeconfig, own_kubeconfig, temporary_file, user_kubeconfig
from .marker import Marker

Connect = Callable[[str, str], Cluster]
# What is done around a creation: it calls the function, by which kind creates the nodes, and returns its answer.
Around = Callable[[Callable[[], Completed]], Completed]
# For a cluster that is only described.
UNBOUND = 3600.0


class KindCluster:
    """One kind cluster, existing or not; options are those of kind_cluster.

    Whatever kind and the engine do counts against the option wait_timeout, from the beginning, or restart_clock(), on.
    """

    def __init__(
        self, options: Mapping[str, Any], runner: Runner, connect: Connect, around: Around | None = None
    ) -> None:
        self.name = checked_name(options["name"])
        self.timeout = float(options.get("wait_timeout") or UNBOUND)
        self._bound = BoundRunner(runner, Deadline(self.timeout))
        self.engine = find_engine(options["engine"], self._bound)
        self.unbound = find_engine(options["engine"], runner)
        self.kind = Kind(self._bound, self.engine.name, options.get("kind") or "kind")
        self.own = Kubeconfig(own_kubeconfig(self.name, options.get("kubeconfig")))
        self.users = Kubeconfig(user_kubeconfig(os.environ))
        self.marker = Marker(self.own.path, self.name)
        self._connect = connect
        self._around = around or (lambda create: create())

    @property
    def deadline(self) -> Deadline:
        """When everything must be done."""
        return self._bound.deadline

    def restart_clock(self) -> None:
        """Give what follows all of the time."""
        self._bound.deadline = Deadline(self.timeout)

    def create(self, config: str) -> Completed:
        """Create the nodes by kind. Raises TimedOut."""
        return self._around(lambda: self.kind.create(self.name, config, self.own.path))

    def read_proved(self, nodes: Sequence[Node]) -> tuple[str, dict[str, Any] | None]:
        """As try_read, by the cluster's own file. Raises BadInput if that leads to another cluster, which answers."""
        try:
            api = self._connect(self.own.path, context_name(self.name))
        except KindlabError:
            return "", None
        return live.read_proved(api, self.engine, nodes)

    def proved(self, api: Cluster, nodes: Sequence[Node]) -> tuple[Node, ...]:
        """The nodes compared with this host, once the API is proved to be theirs.

        Raises BadInput if it is another cluster's, Unreachable if that cannot be known.
        """
        return proved_nodes(self.engine, nodes, api)

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

    def in_users_file(self, nodes: tuple[Node, ...], *, needed: bool) -> tuple[bool, bool]:
        """(whether the user's own kubeconfig connects to the cluster, whether it has an entry of an earlier one).

        needed: raise BadInput if that file cannot be read; else it counts as one without the cluster.
        """
        try:
            if not self.users.has_cluster(self.name):
                return False, False
            same = bool(nodes) and self._is_same(self.users.credentials(self.name))
            return same, not same and self.users.is_of_this_host(self.name)
        except BadInput:
            if needed:
                raise
            return False, False

    def answers(self, file: Kubeconfig) -> bool:
        """Whether an API server answers by the entry that a kubeconfig has of this name."""
        try:
            self._connect(file.path, context_name(self.name)).version()
        except Unreachable:
            return False
        except KindlabError:
            # It refuses, or what it is cannot be known.
            return True
        return True

    def is_current_context(self) -> bool:
        """Whether the user's own kubeconfig has the cluster as its current context; False if it cannot be read."""
        try:
            return self.users.current_context() == context_name(self.name)
        except BadInput:
            return False

    def _is_same(self, credentials: Mapping[str, Any]) -> bool:
        return credentials == self.own.credentials(self.name) or credentials == self._credentials_of_kind

    @functools.cached_property
    def _credentials_of_kind(self) -> Mapping[str, Any]:
        """What kind prints for the cluster, {} if its control plane does not run, or kind is not there."""
        try:
            text = self.kind.kubeconfig(self.name)
        except KindlabError:
            text = None
        if text is None:
            return {}
        with temporary_file(text) as path:
            return Kubeconfig(path).credentials(self.name)
