"""Runs modules that only read, with and without the looks that prove whose an API server is, in turns; prints JSON."""

from __future__ import annotations

import contextlib
import json
import statistics
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from types import ModuleType
from typing import Any
from unittest.mock import patch

from ansible_collections.kindlab.volumes.plugins.module_utils._action import (
    kind_cluster_info,
    storage_provisioner_info,
    volume_info,
)
from ansible_collections.kindlab.volumes.plugins.module_utils._core.identity.look import Look
from ansible_collections.kindlab.volumes.plugins.module_utils._core.options import defaults
from ansible_collections.kindlab.volumes.plugins.module_utils._edge import observe
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.command import Runner
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.engine import find_engine
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.identity.proof import Proved
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.kind import live
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.kube.client import Cluster

MODULES: Mapping[str, ModuleType] = {
    "volume_info": volume_info,
    "storage_provisioner_info": storage_provisioner_info,
    "kind_cluster_info": kind_cluster_info,
}
# Of each side; the shortest run is the one that nothing disturbed.
TURNS = 15


@contextlib.contextmanager
def unproved() -> Iterator[None]:
    """Names are believed, as before anything was proved."""

    def named(options: Mapping[str, Any], _runner: Runner | None, connect: Callable[..., Cluster]) -> Proved:
        cluster = connect(options["cluster"], options["kubeconfig"], options["context"])
        return Proved(options["cluster"], cluster, find_engine(options["engine"], Runner()))

    with contextlib.ExitStack() as patches:
        for place, name, stand_in in (
            (observe, "look_at_nodes", lambda _engine, _nodes: {}),
            (observe, "look_at_host", lambda _nodes: Look()),
            (observe, "check_same_cluster", lambda *_facts: None),
            (observe, "compared", lambda nodes, *_looks: nodes),
            (Cluster, "root_ca", lambda _cluster: ""),
            (storage_provisioner_info, "open_proved", named),
            (live, "read_proved", lambda api, _engine, _nodes: live.read(api)),
        ):
            patches.enter_context(patch.object(place, name, stand_in))
        yield


def seconds(module: ModuleType, options: Mapping[str, Any]) -> float:
    """Of one run in check mode."""
    start = time.perf_counter()
    module.run(options, True)
    return time.perf_counter() - start


def main() -> None:
    """Arguments: a module, the cluster's name and its kubeconfig."""
    name, cluster, kubeconfig = sys.argv[1:]
    module = MODULES[name]
    given = {"cluster": cluster, "name": cluster, "kubeconfig": kubeconfig}
    options = {**defaults(module.ARGUMENTS), **{key: value for key, value in given.items() if key in module.ARGUMENTS}}
    sides: dict[str, list[float]] = {"with": [], "without": []}
    for turn in range(TURNS + 1):
        for side in sides if turn % 2 else reversed(sides):
            with unproved() if side == "without" else contextlib.nullcontext():
                sides[side].append(seconds(module, options))
    # The first runs import what later ones have.
    kept = {side: times[1:] for side, times in sides.items()}
    shortest = {side: min(times) for side, times in kept.items()}
    print(json.dumps({"shortest": shortest, "median": {side: statistics.median(t) for side, t in kept.items()}}))


if __name__ == "__main__":
    main()
