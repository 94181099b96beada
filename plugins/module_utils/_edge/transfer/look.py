# Copyright: kindlab.volumes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Look at the directories that data is copied from and to: what is there, how much, and whether it fits."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence

from ansible_collections.kindlab.volumes.plugins.module_utils._core.transfer.looks import Look
from ansible_collections.kindlab.volumes.plugins.module_utils._core.volumes.places import Place
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.command import LONG_SECONDS
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.data.node_directory import NodeDirectory, inspect
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.engine import Engine

from .data import directory_of

# For each path the nearest existing directory above it: whether it can be written to, free bytes, and its device.
_DISKS = """for above do
above=$(dirname -- "$above")
while [ ! -e "$above" ] && [ "$above" != / ]; do above=$(dirname -- "$above"); done
[ -d "$above" ] && [ -w "$above" ] && w=yes || w=no
echo "$w $(df --block-size=1 --output=avail -- "$above" | tail -n 1) $(stat --format=%d -- "$above") $above"
done"""


def look(
    ends: Sequence[tuple[str, Place | None, Place]], engine: Engine, archives: Mapping[str, int]
) -> dict[str, Look]:
    """A look at each by name.

    ends: name, source (None for an archive) and target of what is copied. archives: bytes of those without a source.
    """
    sources = {name: directory_of(source, engine) for name, source, _target in ends if source}
    targets = {name: directory_of(target, engine) for name, _source, target in ends}
    there, wanted, disks = inspect(sources), inspect(targets), _disks(targets)
    found = {}
    for name, _source, _target in ends:
        source, target = there.get(name), wanted[name]
        writable, free, device, above = disks[name]
        found[name] = Look(
            source.state if source else "there",
            target.state,
            source.bytes if source else archives.get(name, 0),
            int(free),
            f"{targets[name].node}:{device}",
            writable == "yes",
            above,
            tuple(dict.fromkeys((*(source.lacking if source else ()), *target.lacking))),
            _foreign(sources[name], targets[name]) if source and source.state == "there" else "",
        )
    return found


def _disks(targets: Mapping[str, NodeDirectory]) -> dict[str, list[str]]:
    by_node: dict[str, list[str]] = {}
    for name, target in targets.items():
        by_node.setdefault(target.node, []).append(name)
    found: dict[str, list[str]] = {}
    for names in by_node.values():
        paths = "".join(f"{targets[name].path}\0" for name in names)
        argv = ["xargs", "-0", "sh", "-c", _DISKS, "sh"]
        printed = targets[names[0]].inside.run(argv, stdin=paths).out.splitlines()
        found.update((name, printed[number].split(None, 3)) for number, name in enumerate(names))
    return found


def _foreign(source: NodeDirectory, target: NodeDirectory) -> str:
    """A path that this user cannot copy with its owner, '' for none."""
    if os.geteuid() == 0 or (source.node and target.node):
        return ""
    tests = [] if source.node else ["!", "-readable"]
    tests += [] if target.node else [*(["-o"] if tests else []), "!", "-uid", str(os.geteuid())]
    argv = ["find", source.path, "-xdev", "(", *tests, ")", "-print", "-quit"]
    done = source.inside.run(argv, check=False, timeout=LONG_SECONDS)
    return done.out.strip() or (source.path if done.code else "")
