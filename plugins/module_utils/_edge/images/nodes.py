# Copyright: kindlab.volumes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The images that nodes list, and the import of image archives into nodes."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from typing import TypeVar

from ansible_collections.kindlab.volumes.plugins.module_utils._core.errors import CommandFailed
from ansible_collections.kindlab.volumes.plugins.module_utils._core.images import (
    platform_of,
    read_listing,
    read_snapshotter,
)
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.activity import REPORTER
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.engine import Engine

from .tee import Readable, Tee

T = TypeVar("T")

CTR = ("ctr", "--namespace=k8s.io", "images")
# What people see of the bytes of archives.
MOVED = "images loaded"


def listings(engine: Engine, nodes: Sequence[str]) -> dict[str, dict[str, str]]:
    """{node: {image name: digest}}."""
    return in_each(nodes, lambda node: read_listing(engine.inside(node).run([*CTR, "list"]).out))


def import_argv(engine: Engine, node: str, *options: str) -> list[str]:
    """The command that imports an archive of images."""
    inside = engine.inside(node)
    snapshotter = read_snapshotter(inside.run(["containerd", "config", "dump"]).out)
    return inside.argv([*CTR, "import", *options, f"--snapshotter={snapshotter}", "-"])


def import_all(
    engine: Engine, tee: Tee, nodes: Sequence[str], opened: Callable[[], AbstractContextManager[Readable]]
) -> None:
    """Import an archive that others made into all nodes at once. opened: called for each attempt."""

    def attempt(options: Mapping[str, str]) -> None:
        imports = in_each(nodes, lambda node: import_argv(engine, node, options[node], "--digests"))
        with opened() as stream:
            tee.copy_to(_Counted(stream), imports)

    try:
        attempt(dict.fromkeys(nodes, "--all-platforms"))
    except CommandFailed as error:
        # Engines save the index of an image for several platforms, but only the content of those that they have.
        if "not found" not in error.message:
            raise
        machines = in_each(nodes, lambda node: engine.inside(node).run(["uname", "-m"]).out)
        attempt({node: f"--platform={platform_of(machine)}" for node, machine in machines.items()})


class _Counted:
    """A stream whose bytes are told to people."""

    def __init__(self, stream: Readable) -> None:
        self.read = REPORTER.counted(MOVED, stream.read)


def in_each(nodes: Sequence[str], function: Callable[[str], T]) -> dict[str, T]:
    """{node: function(node)}, in parallel."""
    with ThreadPoolExecutor(max_workers=max(1, len(nodes))) as pool:
        return dict(zip(nodes, pool.map(function, nodes)))
