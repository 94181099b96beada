# Copyright: kindlab.volumes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Compare the restored data with the backup before pods start."""

from __future__ import annotations

from ansible_collections.kindlab.volumes.plugins.module_utils._core.errors import KindlabError
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kube.volumes import read_volumes
from ansible_collections.kindlab.volumes.plugins.module_utils._core.recreate.running.counts import volumes_text
from ansible_collections.kindlab.volumes.plugins.module_utils._core.text import listed
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.backup.reader import read_backup
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.removal import changes
from ansible_collections.kindlab.volumes.plugins.module_utils._sequence.recreate.snapshot.clear import clear

from . import survey
from .context import Context, Facts


def verify(context: Context) -> Facts:
    """Raises KindlabError, with the files, if the data that pods will find differs from the backup."""
    cluster = context.connect()
    volumes = read_volumes(*cluster.lists("PersistentVolume", "PersistentVolumeClaim"))
    backup = read_backup(context.path, context.target["generation"])
    nodes = survey.current_nodes(context, cluster)
    differing = {name: diff for name, diff in changes(backup, volumes, nodes, context.engine).items() if diff}
    if differing:
        raise KindlabError(
            "The restored data differs from the backup: "
            + listed((f"{name}: {difference.text()}" for name, difference in differing.items()), separator="; "),
            next_step="Find out what writes to it, then run this again: it resumes here. To keep the data as it is, "
            f"scale the workloads back up (kindlab.volumes.volume_detach: state=attached, path={context.path}) and "
            f"forget the recreation: mv {context.journal.path} {context.journal.path}.old",
            details=[{"name": name, **difference.as_dict()} for name, difference in differing.items()],
        )
    clear(context)
    return {"count": volumes_text(context.target["volumes"])}
