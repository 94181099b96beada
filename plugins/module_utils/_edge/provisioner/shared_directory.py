# Copyright: kindlab.volumes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Whether nodes have a directory in common: written through one of them, looked for through all others."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

from ansible_collections.kindlab.volumes.plugins.module_utils._core.errors import BadInput
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.engine import Engine


def check_shared(engine: Engine, nodes: Sequence[str], directory: str) -> None:
    """Raise BadInput, with the nodes that differ, where the directory is not the same in all of these nodes.

    A file is written through the first node and removed again; directories are neither made nor changed.
    """
    first, *others = nodes
    probe = f"{directory}/.kindlab-probe-{secrets.token_hex(8)}"
    written = engine.inside(first).run(["touch", probe], check=False)
    if written.code != 0:
        raise _differing(engine, directory, first, [first], "can't be written to")
    try:
        with ThreadPoolExecutor(max_workers=max(1, len(others))) as pool:
            seen = list(pool.map(lambda node: _sees(engine, node, probe), others))
    finally:
        engine.inside(first).run(["rm", "-f", probe], check=False)
    apart = [node for node, found in zip(others, seen, strict=True) if not found]
    if apart:
        raise _differing(engine, directory, first, apart, f"is not the one of {first}")


def _sees(engine: Engine, node: str, probe: str) -> bool:
    return engine.inside(node).run(["test", "-e", probe], check=False).code == 0


def _differing(engine: Engine, directory: str, first: str, apart: list[str], how: str) -> BadInput:
    return BadInput(
        f"On {', '.join(apart)} the directory {directory} {how}: a pod that moves there would not find its data.",
        tried=f"{engine.name} exec {first} touch {directory}/FILE; {engine.name} exec {apart[0]} ls {directory}/FILE",
        next_step="Mount one host directory there on all nodes (mounts of kindlab.volumes.kind_cluster), or name the"
        " node_path that is mounted.",
        details=apart,
    )
