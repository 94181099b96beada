# Copyright: kindlab.volumes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Action of volume_info: report volumes, what outlives the cluster, and orphan directories; nothing is written."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible_collections.kindlab.volumes.plugins.module_utils._core.options import (
    API,
    ENGINE,
    SELECTION,
    check_absolute,
)
from ansible_collections.kindlab.volumes.plugins.module_utils._core.outcome import Outcome
from ansible_collections.kindlab.volumes.plugins.module_utils._core.volumes.selection import Selection
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.command import Runner
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.inventory.survival import find_saved
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.inventory.volumes import READ, take_inventory
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.kube.client import open_cluster
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.observe import Connect, observe

ARGUMENTS: dict[str, Any] = {
    **ENGINE,
    **API,
    **SELECTION,
    "backup_path": {"type": "path"},
    "verify": {"type": "str", "choices": ["fast", "full"], "default": "fast"},
}
# What texts of a deletion and about a backup call its path, and options that this module does not have.
OTHERS = {"path": "backup_path", "backup": "backup_path", "data": "", "generation": "", "accept_loss": ""}


def run(
    options: Mapping[str, Any], _check_mode: bool, *, runner: Runner | None = None, connect: Connect = open_cluster
) -> Outcome:
    """The selected volumes, and orphan directories."""
    check_absolute(options, ARGUMENTS)
    selection = Selection.from_options(options)
    observed = observe(options, READ, runner=runner, connect=connect)
    saved = find_saved(options["backup_path"])
    found = take_inventory(observed, selection, saved, full=options["verify"] == "full")
    facts = {
        "volumes": found.rows,
        "released": [volume.name for volume in found.volumes if volume.phase == "Released"],
        "orphan_directories": found.orphans,
        "summary": found.summary,
    }
    return Outcome(changed=False, facts=facts, warnings=found.warnings)
