# Copyright: kindlab.volumes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Find out where a recreation starts or resumes, and what the new cluster is created from."""

from __future__ import annotations

import shutil
from dataclasses import dataclass

from ansible_collections.kindlab.volumes.plugins.module_utils._core.engines import ENGINES
from ansible_collections.kindlab.volumes.plugins.module_utils._core.errors import BadInput, KindlabError
from ansible_collections.kindlab.volumes.plugins.module_utils._core.recreate.journal import Progress, latest
from ansible_collections.kindlab.volumes.plugins.module_utils._core.recreate.resume import (
    is_complete,
    is_gone,
    resume_at,
)
from ansible_collections.kindlab.volumes.plugins.module_utils._core.recreate.steps import (
    CREATE,
    DELETE,
    DELETION,
    FIRST,
    TURNED_BACK,
)
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.engine import Engine
from ansible_collections.kindlab.volumes.plugins.module_utils._sequence.recreate.context import Context, Facts
from ansible_collections.kindlab.volumes.plugins.module_utils._sequence.recreate.snapshot.chosen import (
    check_reachable,
    check_resumed,
    chosen_facts,
)
from ansible_collections.kindlab.volumes.plugins.module_utils._sequence.recreate.snapshot.data import replaced

from .earlier import find_stranger, last_backup, set_generation
from .facts import set_facts
from .new_shape import check_generation


@dataclass(frozen=True)
class Start:
    """Where a run starts. step: its first step; gone: the cluster does not exist, or its creation was interrupted.

    from_backup: the facts are those of the last backup, and the journal does not have them yet. turning_back: a new
    cluster that failed is to be deleted first.
    """

    step: str
    gone: bool = False
    from_backup: bool = False
    turning_back: bool = False

    @property
    def without_api(self) -> bool:
        """True if the cluster exists and its last backup is used instead of the API server."""
        return self.step == FIRST and self.from_backup

    @property
    def resumed(self) -> bool:
        """True if an earlier run is continued."""
        return self.step != FIRST and not self.from_backup


def find_start(context: Context) -> Start:
    """Read journal, cluster and last backup, set context.facts. Raises BadInput and Declined, see resume_at."""
    context.progress = progress = latest(context.journal.entries())
    cluster = context.describe_cluster()
    complete = is_complete(cluster)
    backup = {} if complete else last_backup(context)
    created_next = not progress.ended and DELETION.name in progress.finished
    if complete and created_next:
        context.stranger = find_stranger(context)
    chosen = chosen_facts(context)
    step = resume_at(
        context.name,
        context.engine.name,
        progress,
        cluster,
        str(context.journal.path),
        backed_up=bool(backup or chosen),
        without_api=bool(backup) and context.options["without_api"] == "last_backup",
        stranger=context.stranger,
    )
    gone = step == CREATE and is_gone(cluster)
    without_api = step == FIRST and not complete
    start = Start(step, gone, without_api or (gone and _is_described(progress, backup, chosen)))
    if step == CREATE and TURNED_BACK in progress.finished:
        start = Start(CREATE, gone=True, turning_back=True)
    if cluster is None:
        _check_other_engines(context)
    check_reachable(context, chosen, without_api=start.without_api)
    context.facts = (chosen or backup) if start.from_backup else dict(progress.facts)
    set_facts(context, cluster if start.step == FIRST and not start.from_backup else None, chosen)
    check_resumed(context, chosen if start.resumed else {})
    if gone and not start.turning_back:
        set_generation(context)
        if progress.ended and (generation := context.target.get("generation")):
            context.warnings.append(
                f"The cluster is gone. Its volumes are restored from generation {generation}; anything written since "
                "is not in it."
            )
    if start.gone or step == DELETE:
        check_generation(context)
        if start.from_backup and chosen:
            context.facts["replaced"] = replaced(context)
    elif step == CREATE and CREATE in progress.finished:
        context.cluster_id = progress.facts.get("cluster_id", "")
    context.watch.lap("observe")
    return start


def _is_described(progress: Progress, backup: Facts, chosen: Facts) -> bool:
    """Whether a backup describes a cluster that is gone, and no journal does, or another generation is chosen."""
    if progress.ended and chosen:
        return True
    return "backed_up" not in progress.finished and bool(backup or chosen)


def _check_other_engines(context: Context) -> None:
    """Raise BadInput if another engine has the cluster: both would use the same directories."""
    for name in ENGINES:
        if name != context.engine.name and shutil.which(name) and _has_nodes(context, name):
            raise BadInput(
                f"{name} has nodes of cluster {context.name}, and {context.engine.name} has none. Nothing was changed.",
                next_step=f"Set engine={name}.",
            )


def _has_nodes(context: Context, engine: str) -> bool:
    try:
        return bool(Engine(engine, context.engine.runner).nodes(context.name))
    except KindlabError:
        return False
