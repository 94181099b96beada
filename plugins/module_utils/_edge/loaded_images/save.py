# Copyright: kindlab.volumes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Save the images of nodes into a backup, before the nodes are stopped."""

from __future__ import annotations

import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext
from functools import partial

from ansible_collections.kindlab.volumes.plugins.module_utils._core.kind.nodes import Node, kubernetes_nodes
from ansible_collections.kindlab.volumes.plugins.module_utils._core.loaded_images.plan import (
    NONE,
    Plan,
    Source,
    chosen,
    plan,
)
from ansible_collections.kindlab.volumes.plugins.module_utils._core.refusals import Refusal, decline
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.activity import REPORTER
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.directory import free_bytes
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.engine import Engine
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.images.nodes import in_each
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.images.tee import Tee

from . import store
from .archive import intact
from .look import look, read_argv


def save_images(
    engine: Engine, nodes: Sequence[Node], path: str, mode: str, *, check_mode: bool = False, tee: Tee | None = None
) -> Plan:
    """Write an archive for each content that has none; Plan.index is what the generation has to list.

    nodes: of the cluster. mode: of plan.MODES. Nothing is written in check mode, nor before all images were found to be
    complete and to fit on the disk. Raises Declined unless they are, and for nodes that do not run.
    """
    if mode == NONE:
        return Plan()
    looks = in_each(_running(kubernetes_nodes(nodes)), partial(look, engine))
    platform = next((found.blobs.platform for found in looks.values()), "")
    with nullcontext() if check_mode else store.locked(path):
        there = intact(path, list(chosen(looks, mode)), platform)
        stored = {digest: archive.content.bytes for digest, archive in there.items()}
        planned = plan(looks, mode, stored, free_bytes(path), path, engine.name)
        if not check_mode:
            REPORTER.moved(store.MOVED, 0, of=planned.bytes)
            reader = partial(_write, engine, path, platform, tee or Tee())
            with ThreadPoolExecutor(os.cpu_count()) as pool:
                list(pool.map(reader, planned.sources.values()))
    return planned


def _running(nodes: Sequence[Node]) -> list[str]:
    """The names of nodes. Raises Declined for those that do not run: what they have cannot be known."""
    step = "Start the cluster (kindlab.volumes.kind_cluster with state=present), or set images=none."
    stopped = [Refusal(n.name, f"it is not running, it is {n.state}", step) for n in nodes if n.state != "running"]
    decline("The images in the nodes cannot be saved", stopped)
    return [node.name for node in nodes]


def _write(engine: Engine, path: str, platform: str, tee: Tee, source: Source) -> None:
    with tee.output_of(read_argv(engine, source.node, source.content.blobs)) as stream:
        store.write(path, source, stream, platform)
