# Copyright: kindlab.volumes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The generation that the cluster goes back to."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ansible_collections.kindlab.volumes.plugins.module_utils._core.errors import Declined
from ansible_collections.kindlab.volumes.plugins.module_utils._core.loaded_images.index import read_index
from ansible_collections.kindlab.volumes.plugins.module_utils._core.recreate import snapshot
from ansible_collections.kindlab.volumes.plugins.module_utils._core.recreate.facts import of_backup
from ansible_collections.kindlab.volumes.plugins.module_utils._core.recreate.steps import BACK
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.backup.reader import generations, read_backup
from ansible_collections.kindlab.volumes.plugins.module_utils._sequence.recreate.context import Context, Facts


def chosen_facts(context: Context) -> Facts:
    """The facts that the chosen generation has of the cluster, {} if none is chosen.

    back_to: those that take the place of the present cluster's. Raises BadInput and Declined.
    """
    if not context.options["generation"]:
        return {}
    backup = read_backup(context.path, context.options["generation"])
    described: dict[str, Any] = next(iter(backup.objects("Cluster")), {})
    images = read_index(described.get("loaded_images") or [], str(backup.directory))
    wanted = [image for image in images if image.archive and context.options["images"] != "none"]
    missing = [image.names[0] for image in wanted if not (Path(context.path) / image.archive).is_file()]
    snapshot.check(backup.name, backup.catalog, described, context.options, missing)
    found = of_backup(backup.catalog, described, backup.name, context.engine.name)
    newest = {"newest_generation": generations(context.path)[-1]}
    return {**found, **newest, "back_to": snapshot.facts_of(found, backup.catalog)}


def check_resumed(context: Context, chosen: Facts) -> None:
    """Raise Declined if another generation is chosen than the one that an interrupted run restores."""
    if chosen and context.facts.get("way") != BACK:
        snapshot.check_same(context.target.get("generation") or "", chosen["generation"])


def check_reachable(context: Context, chosen: Facts, *, without_api: bool) -> None:
    """Raise Declined for a cluster whose present state cannot be saved before it goes back."""
    if chosen and without_api:
        raise Declined(
            f"The API server of {context.name} does not answer, so its present state cannot be saved before it goes "
            "back to a generation. Nothing was changed.",
            next_step="Start it, or delete it (kindlab.volumes.kind_cluster: state=absent and force=true). Then run "
            "this again: data that is on the host now is kept beside its directory.",
        )
