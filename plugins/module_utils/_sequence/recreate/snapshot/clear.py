# Copyright: kindlab.volumes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Data on the host that a generation has replaced: removed once a backup holds it."""

from __future__ import annotations

from ansible_collections.kindlab.volumes.plugins.module_utils._core.errors import CommandFailed, KindlabError
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.backup.reader import read_backup
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.data.node_directory import Source
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.removal import compare_data
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.restore.aside.anywhere import data_in
from ansible_collections.kindlab.volumes.plugins.module_utils._sequence.recreate.context import Context

from .sources import for_changing, sources, whole


def clear(context: Context) -> None:
    """Remove what was set aside and a generation holds; warn about what none does."""
    facts = context.facts
    found = (facts.get("generation"), context.target.get("generation"), facts.get("left"))
    names = sorted({str(name) for name in found if name})
    directories = {str(path): str(path) for path in (facts.get("replaced") or {}).values()}
    for directory, source in sorted(sources(context, directories, for_changing).items()):
        data = data_in(source)
        data.remove_rest(source)
        for aside in data.what_was_set_aside(source, context.journal.date()):
            if not any(_is_held(context, name, directory, aside) for name in names):
                context.warnings.append(f"The data that was in {directory} is in no generation: it is in {aside} now.")
                continue
            try:
                data.remove_aside(source, aside)
            except CommandFailed as error:
                context.warnings.append(error.message)


def _is_held(context: Context, generation: str, directory: str, aside: Source) -> bool:
    """True if what was moved from a directory is in an archive of a generation, and both can be read undamaged."""
    try:
        backup = read_backup(context.path, generation)
        volumes = [v for v in backup.catalog.volumes if v.host_directory == directory and v.archive and v.checksum_list]
        held = [v for v in volumes if not compare_data(backup, {v.name: aside}, whole=whole(context))[v.name]]
        return len(held) > len(backup.damaged_archives(held))
    except KindlabError:
        return False
