# Copyright: kindlab.volumes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""object_restore: restore saved objects of any kind, or those of some namespaces, also into other namespaces."""

from __future__ import annotations

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from ansible_collections.kindlab.volumes.plugins.module_utils._core.clock import Deadline, Stopwatch
from ansible_collections.kindlab.volumes.plugins.module_utils._core.errors import BadInput
from ansible_collections.kindlab.volumes.plugins.module_utils._core.objects.steps.asked import CHOICES, Asked
from ansible_collections.kindlab.volumes.plugins.module_utils._core.options import API, ENGINE, check_absolute
from ansible_collections.kindlab.volumes.plugins.module_utils._core.outcome import Outcome
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.activity import REPORTER
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.backup.reader import Backup, read_backup
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.command import Runner
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.identity.proof import open_proved
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.kube.client import open_cluster
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.objects.restore import prepare, write
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.observe import Connect

ARGUMENTS: dict[str, Any] = {
    **ENGINE,
    **API,
    "path": {"type": "path", "required": True},
    "generation": {"type": "str"},
    "namespaces": {"type": "list", "elements": "str"},
    "kinds": {"type": "list", "elements": "str"},
    "label_selectors": {"type": "list", "elements": "str"},
    "namespace_map": {"type": "dict", "default": {}},
    "existing": {"type": "str", "choices": CHOICES["existing"], "default": "refuse"},
    "jobs": {"type": "str", "choices": CHOICES["jobs"], "default": "resume"},
    "workloads": {"type": "str", "choices": CHOICES["workloads"], "default": "as_saved"},
    "wait_timeout": {"type": "int", "default": 120},
}

# What errors that others raise, too, call options that this module does not have.
OTHERS = {"create_namespaces": "", "compression": ""}


def run(
    options: Mapping[str, Any], check_mode: bool, *, runner: Runner | None = None, connect: Connect = open_cluster
) -> Outcome:
    """Restore the objects; in check mode report what would happen."""
    check_absolute(options, ARGUMENTS)
    asked = Asked.from_options(options)
    watch, deadline = Stopwatch(), Deadline(asked.wait_timeout)
    with ThreadPoolExecutor(1) as pool:
        opening = pool.submit(open_proved, options, runner, connect)
        backup = read_backup(options["path"], options["generation"])
        _check_has_objects(backup, options["path"])
        saved = backup.saved_objects()
        proved = opening.result()
    watch.lap("read")
    REPORTER.step("plan, and ask the API server about each object")
    planned = prepare(proved.cluster, saved, asked, deadline)
    watch.lap("plan")
    REPORTER.step("restore objects")
    done = planned if check_mode else write(proved.cluster, planned, deadline)
    watch.lap("write")
    done.check(effect="all others were restored")
    facts = {"generation": backup.name, **done.result(), "seconds": watch.seconds}
    return Outcome(planned.changed, *planned.diff(), facts, (*proved.warnings, *done.warnings()))


def _check_has_objects(backup: Backup, path: str) -> None:
    if backup.catalog.objects is None:
        raise BadInput(
            f"The generation {backup.name} of {path} has no objects.",
            next_step="Use a generation of kindlab.volumes.object_backup, or of kindlab.volumes.volume_backup with "
            "objects=true.",
        )
