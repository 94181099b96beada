# Copyright: kindlab.volumes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Find out where a recreation starts or resumes, and what the new cluster is created from."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path

from ansible_collections.kindlab.volumes.plugins.module_utils._core.backup.catalog import GENERATIONS, generation_number
from ansible_collections.kindlab.volumes.plugins.module_utils._core.engines import ENGINES
from ansible_collections.kindlab.volumes.plugins.module_utils._core.errors import BadInput, KindlabError
from ansible_collections.kindlab.volumes.plugins.module_utils._core.recreate.facts import (
    cluster_spec,
    of_backup,
    of_cluster,
)
from ansible_collections.kindlab.volumes.plugins.module_utils._core.recreate.journal import latest
from ansible_collections.kindlab.volumes.plugins.module_utils._core.recreate.resume import (
    is_complete,
    is_gone,
    resume_at,
)
from ansible_collections.kindlab.volumes.plugins.module_utils._core.recreate.steps import CREATE, FIRST
from ansible_collections.kindlab.volumes.plugins.module_utils._core.text import listed
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.backup.reader import generations, read_backup
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.command import Runner
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.engine import find_engine

from .context import Context, Facts


@dataclass(frozen=True)
class Start:
    """Where a run starts. step: its first step; gone: the cluster does not exist, or its creation was interrupted.

    from_backup: the facts are those of the last backup, and the journal does not have them yet.
    """

    step: str
    gone: bool = False
    from_backup: bool = False

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
    backup = {} if is_complete(cluster) else _last_backup(context)
    step = resume_at(
        context.name,
        context.engine.name,
        progress,
        cluster,
        str(context.journal.path),
        backed_up=bool(backup),
        without_api=bool(backup) and context.options["without_api"] == "last_backup",
    )
    gone = step == CREATE and is_gone(cluster)
    without_api = step == FIRST and not is_complete(cluster)
    start = Start(step, gone, without_api or (gone and "backed_up" not in progress.finished and bool(backup)))
    context.facts = dict(progress.facts)
    requested = context.options["options"] or {}
    if start.from_backup:
        context.facts = {**backup, "options": cluster_spec(context.name, requested, backup["options"])}
    elif step == FIRST and cluster is not None:
        context.facts = of_cluster({**cluster, "name": context.name}, context.engine.name, requested)
    if cluster is None:
        _check_other_engines(context)
    if gone:
        context.facts["generation"] = generation = _newest_generation(context)
        if progress.ended and generation:
            context.warnings.append(
                f"The cluster is gone. Its volumes are restored from generation {generation}; anything written since "
                "is not in it."
            )
    context.watch.lap("observe")
    return start


def _last_backup(context: Context) -> Facts:
    """The facts that the newest backup has of this cluster; {} if there is none, or it is another cluster's."""
    if not (Path(context.path) / GENERATIONS).is_dir() or not generations(context.path):
        return {}
    backup = read_backup(context.path)
    described = backup.objects("Cluster")
    if backup.catalog.cluster.name != context.name or not described:
        return {}
    return of_backup(backup.catalog, described[0], backup.name, context.engine.name)


def _check_other_engines(context: Context) -> None:
    """Raise BadInput if another engine has the cluster: both would use the same directories."""
    for name in ENGINES:
        if name != context.engine.name and shutil.which(name) and _has_nodes(name, context.name):
            raise BadInput(
                f"{name} has nodes of cluster {context.name}, and {context.engine.name} has none. Nothing was changed.",
                next_step=f"Set engine={name}.",
            )


def _has_nodes(engine: str, cluster: str) -> bool:
    try:
        return bool(find_engine(engine, Runner()).nodes(cluster))
    except KindlabError:
        return False


def _newest_generation(context: Context) -> str:
    """The generation of a cluster that is gone: the recreation's own, or a later backup of it."""
    recorded = context.facts.get("generation") or ""
    names = generations(context.path) if (Path(context.path) / GENERATIONS).is_dir() else []
    for name in reversed(names):
        if (generation_number(name) or 0) <= (generation_number(recorded) or 0):
            break
        catalog = read_backup(context.path, name).catalog
        if catalog.cluster.name == context.name:
            missing = {v["name"] for v in context.facts.get("volumes", ())} - {v.name for v in catalog.volumes}
            if missing:
                context.warnings.append(
                    f"Generation {name}, saved after the recreation, is restored. It does not contain "
                    f"{listed(sorted(missing))}, which {recorded} does."
                )
            return name
    return recorded
