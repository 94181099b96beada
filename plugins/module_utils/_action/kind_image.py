# Copyright: kindlab.volumes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""kind_image: load images into the nodes that lack them, all nodes at once."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from functools import partial
from typing import IO, Any

from ansible_collections.kindlab.volumes.plugins.module_utils._core.clock import Deadline, poll
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kind.image_plan import (
    Observed,
    Plan,
    Request,
    plan,
    target_nodes,
)
from ansible_collections.kindlab.volumes.plugins.module_utils._core.options import ENGINE, check_absolute
from ansible_collections.kindlab.volumes.plugins.module_utils._core.outcome import Outcome
from ansible_collections.kindlab.volumes.plugins.module_utils._core.text import count
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.activity import REPORTER
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.command import Runner
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.engine import Engine, find_engine
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.images.archive import images_in, open_archive
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.images.nodes import MOVED, import_all, listings
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.images.tee import Tee

ARGUMENTS: dict[str, Any] = {
    **ENGINE,
    "cluster": {"type": "str", "default": "kind", "aliases": ["name"]},
    "images": {"type": "list", "elements": "str"},
    "archives": {"type": "list", "elements": "path"},
    "nodes": {"type": "list", "elements": "str"},
}
RULES: dict[str, Any] = {"required_one_of": [("images", "archives")]}

# The container runtime learns of a new image by an event, a moment after the import.
SETTLE_SECONDS = 15.0
PAUSE = 0.2


def run(
    options: Mapping[str, Any],
    check_mode: bool,
    *,
    runner: Runner | None = None,
    tee: Tee | None = None,
    settle_seconds: float = SETTLE_SECONDS,
) -> Outcome:
    """Load the requested images into the nodes that lack them."""
    check_absolute(options, ARGUMENTS)
    request = Request.from_options(options)
    engine = find_engine(options["engine"], runner or Runner())
    nodes = target_nodes(request, engine.nodes(request.cluster), engine.name)
    observed = Observed(
        engine.name,
        image_ids={name: engine.image_id(name) for name in request.images},
        archives={path: images_in(path, f"{engine.name} save --output {path} IMAGE") for path in request.archives},
        listings=listings(engine, nodes),
    )
    planned = plan(request, observed)
    warnings: tuple[str, ...] = ()
    if planned.changed_nodes and not check_mode:
        _load(engine, tee or Tee(), planned)
        warnings = _wait(engine, planned, settle_seconds)
    return Outcome(bool(planned.changed_nodes), *planned.diff(), planned.result(), warnings)


def _load(engine: Engine, tee: Tee, planned: Plan) -> None:
    """Read each archive, and save each group of images, once for all nodes."""
    REPORTER.step(f"load images into {count(len(planned.changed_nodes), 'node')}")
    for path, nodes in planned.archives().items():
        import_all(engine, tee, nodes, partial(_stream, path))
    for nodes, names in planned.passes().items():
        import_all(engine, tee, nodes, partial(tee.output_of, engine.save_argv(names)))


@contextmanager
def _stream(path: str) -> Iterator[IO[bytes]]:
    with ExitStack() as opened:
        file, plain = opened.enter_context(open_archive(path))
        if plain:
            REPORTER.moved(MOVED, 0, of=os.path.getsize(path))
        yield file


def _wait(engine: Engine, planned: Plan, seconds: float) -> tuple[str, ...]:
    """Wait until the nodes list what was loaded; warnings about what they do not list."""
    missing: list[str] = []
    with REPORTER.waiting(lambda: f"{', '.join(planned.changed_nodes)} to list the images"):
        for _turn in poll(Deadline(seconds), PAUSE):
            missing = planned.still_missing(listings(engine, planned.changed_nodes))
            if not missing:
                break
    return tuple(f"{name} was loaded, but the nodes list different content under its name." for name in missing)
