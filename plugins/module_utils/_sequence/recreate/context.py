# Copyright: kindlab.volumes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Context of one recreation: its options, journal and engine, and what it knows so far."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from types import ModuleType
from typing import Any

from ansible_collections.kindlab.volumes.plugins.module_utils._action import kind_cluster_info
from ansible_collections.kindlab.volumes.plugins.module_utils._core.clock import Stopwatch
from ansible_collections.kindlab.volumes.plugins.module_utils._core.options import defaults
from ansible_collections.kindlab.volumes.plugins.module_utils._core.outcome import Outcome
from ansible_collections.kindlab.volumes.plugins.module_utils._core.recreate.journal import Progress
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.command import Runner
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.engine import Engine, find_engine
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.kube.client import Cluster, open_cluster
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.loaded_images.beside import Loader
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.observe import Connect
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.recreate.journal import Journal
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.recreate.once import OnceRunner

Facts = dict[str, Any]

_API = ("cluster", "engine", "kubeconfig")
_KIND = ("name", "engine", "kind", "kubeconfig")
# The options of this module that each action gets; its other options have their defaults.
PASSED_ON = {
    "kind_cluster": (*_KIND, "accept_loss"),
    "kind_cluster_info": _KIND,
    "storage_provisioner": _API,
    "storage_provisioner_info": _API,
    "volume_detach": (*_API, "unmanaged", "wait_timeout"),
    "volume_backup": (*_API, "path", "data", "checksums", "keep"),
    "volume_restore": (*_API, "path", "reclaim_policy", "wait_timeout"),
}


class Context:
    """facts: of the cluster and of its new shape, kept in the journal; results: what each step returned.

    requested: the options of the new cluster that are given now.
    stranger: why the existing cluster is not the one that an interrupted run created, '' if it is or there was none.
    cluster_id: of the cluster that an earlier run created and this one continues with, '' for none.
    created: whether this run has created the new cluster. loader: of the images that are loaded while that is done.
    outside: what each action is given besides its options.
    """

    def __init__(
        self, options: Mapping[str, Any], runner: Runner | None = None, connect: Connect | None = None
    ) -> None:
        self.options = options
        self.outside: Facts = {**({"runner": runner} if runner else {}), **({"connect": connect} if connect else {})}
        self.name: str = options["cluster"]
        self.path = os.path.abspath(options["path"])
        self.engine = find_engine(options["engine"], runner or Runner())
        self.journal = Journal(self.path, cluster=self.name, kubeconfig=options["kubeconfig"])
        self.progress = Progress()
        self.watch = Stopwatch()
        self.facts: Facts = {}
        self.requested: Facts = {}
        self.results: Facts = {}
        self.warnings: list[str] = []
        self.foreseen: list[str] = []
        self.stranger = ""
        self.cluster_id = ""
        self.created = False
        self.loader: Loader | None = None

    @property
    def target(self) -> Facts:
        """What the new cluster is created from: the facts, and in their place those of a generation it goes back to."""
        return {**self.facts, **(self.facts.get("back_to") or {})}

    @property
    def brings_objects(self) -> bool:
        """Whether all objects come back, not only volumes and what uses them."""
        return self.options["objects"] == "all" and bool(self.target.get("objects_from"))

    def options_of(self, action: ModuleType, more: Mapping[str, Any]) -> Facts:
        """Options of an action: more, those that are passed on, and the defaults of its argument spec."""
        own = {**self.options, "name": self.name, "path": self.path}
        passed = {name: own[name] for name in PASSED_ON[action.__name__.rpartition(".")[2]]}
        return {**defaults(action.ARGUMENTS), **passed, **more}

    @contextmanager
    def looking_once(self) -> Iterator[None]:
        """Look at nodes once, whichever actions do; nothing may be changed meanwhile."""
        before = self.outside, self.engine
        once = OnceRunner(self.engine.runner)
        self.outside, self.engine = {**self.outside, "runner": once}, Engine(self.engine.name, once)
        try:
            yield
        finally:
            self.outside, self.engine = before

    def act(self, action: ModuleType, more: Mapping[str, Any], *, check_mode: bool, **outside: Any) -> Outcome:
        """Run an action with these options. outside: what it is given besides self.outside."""
        done: Outcome = action.run(self.options_of(action, more), check_mode, **self.outside, **outside)
        return done

    def run(
        self, step: str, action: ModuleType, more: Mapping[str, Any], *, check_mode: bool = False, **outside: Any
    ) -> Facts:
        """Run an action (see act) as part of a step, and keep its result and warnings; those of check mode apart."""
        outcome = self.act(action, more, check_mode=check_mode, **outside)
        kept = self.foreseen if check_mode else self.warnings
        kept += [warning for warning in outcome.warnings if warning not in kept]
        self.results[step] = dict(outcome.facts)
        return dict(outcome.facts)

    def record(self, entry: str, **facts: Any) -> None:
        """Write the entry of a step that has just finished."""
        self.journal.add(entry, **facts)
        self.watch.lap(entry)

    def describe_cluster(self) -> Facts | None:
        """The cluster as kind_cluster_info describes it, None if there is none."""
        clusters = self.act(kind_cluster_info, {}, check_mode=True).facts["clusters"]
        return dict(clusters[0]) if clusters else None

    def connect(self, name: str = "") -> Cluster:
        """The API server of the cluster, or of another one that a step has created."""
        connect: Connect = self.outside.get("connect", open_cluster)
        return connect(name, None) if name else connect(self.name, self.options["kubeconfig"])
