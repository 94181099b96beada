# Copyright: kindlab.volumes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Save objects: write a generation unless the newest one is equal, and remove the oldest."""

from __future__ import annotations

from contextlib import nullcontext
from dataclasses import replace

from ansible_collections.kindlab.volumes.plugins.module_utils._core.backup.catalog import SavedCluster
from ansible_collections.kindlab.volumes.plugins.module_utils._core.backup.objects.plan import (
    Existing,
    Plan,
    Request,
    plan,
)
from ansible_collections.kindlab.volumes.plugins.module_utils._core.backup.retention import Retention, retention
from ansible_collections.kindlab.volumes.plugins.module_utils._core.objects.stored.collected import Collected
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.backup.existing import read_catalogs, read_existing
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.backup.writer import (
    Writer,
    check_place,
    locked,
    remove_generations,
)


def save(
    request: Request, cluster: SavedCluster, collected: Collected, created: str, *, check_mode: bool
) -> tuple[Plan, str, Retention]:
    """The plan that was carried out, the generation that holds the objects now, and what was removed.

    created: the time, e.g. 2026-11-23T06:57:00Z. Raises what plan() raises, before anything is written.
    """
    check_place(request.path)
    with nullcontext() if check_mode else locked(request.path):
        existing = read_existing(request.path)
        newest = existing.newest
        before = Existing(existing.names, newest.catalog if newest else None, existing.damage)
        planned = plan(request, cluster, collected, before, created)
        if newest and not planned.new:
            name = newest.name
        elif check_mode:
            name = existing.next_name(created)
        else:
            name = _write(planned)
        catalogs = read_catalogs(request.path, existing.names) if request.keep else []
        kept = retention([*catalogs, *([(name, planned.catalog)] if planned.new else [])], request.keep, ())
        if not check_mode:
            remove_generations(request.path, kept.removed)
    return planned, name, kept


def _write(planned: Plan) -> str:
    with Writer(planned.request.path, sum(map(len, planned.files.values()))) as writer:
        for path, text in planned.files.items():
            writer.write(path, text)
        return writer.publish(replace(planned.catalog, files=dict(writer.files)))
