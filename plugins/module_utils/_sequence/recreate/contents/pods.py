# Copyright: kindlab.volumes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Pods that nothing makes again, and that a recreation deletes (unmanaged=delete): known before, and created again."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress

from ansible_collections.kindlab.volumes.plugins.module_utils._core.errors import KindlabError
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kube.objects import Object, namespaced_name
from ansible_collections.kindlab.volumes.plugins.module_utils._core.objects.steps.step import ADAPTED, CREATE, EQUAL
from ansible_collections.kindlab.volumes.plugins.module_utils._core.recreate.facts import interrupted_facts
from ansible_collections.kindlab.volumes.plugins.module_utils._sequence.recreate.context import Context

from . import objects
from .source import live

_POD = "Pod"


def plan(context: Context) -> None:
    """Remember the pods that are deleted before objects are saved; also those that an interrupted run has deleted."""
    names = context.results["detached"].get("deleted_pods") or ()
    found: list[Object] = []
    # Before the cluster goes back to a generation, all objects are saved.
    if names and (context.options["objects"] == "all" or context.facts.get("back_to")):
        found = [item for item in live(context).made if item["kind"] == _POD and namespaced_name(item) in names]
    context.facts["pods"] = list({namespaced_name(pod): pod for pod in (*_earlier(context), *found)}.values())


def keep(context: Context) -> None:
    """Remember those that an interrupted run has deleted, and warn: without an API server they are not created."""
    context.facts["pods"] = pods = list(_earlier(context))
    if pods:
        names = ", ".join(map(namespaced_name, pods))
        context.warnings.append(
            f"Pods without a controller, which an interrupted run deleted, are not created again: {names}. Their "
            f"manifests are in the journal {context.journal.path}."
        )


def create_again(context: Context, deleted: Sequence[str]) -> tuple[str, bool]:
    """Create pods again in the cluster that was not deleted; sentences about them, and whether all are there.

    deleted: the names of those that this run has deleted, or would have; an earlier run may have deleted others.
    """
    pods = context.facts.get("pods") or []
    rows: list[Object] = []
    with suppress(KindlabError):
        rows = objects.create(context, pods) if pods else []
    there = {f"{row['namespace']}/{row['name']}": row["action"] for row in rows if row["result"] in (EQUAL, ADAPTED)}
    created = [name for name, action in there.items() if action == CREATE]
    kept = [name for name in map(namespaced_name, pods) if name not in there]
    missing = [name for name in dict.fromkeys([*deleted, *kept]) if name not in there]
    text = f" Pods without a controller were created again: {', '.join(created)}." if created else ""
    lost = f" These pods were deleted and have no controller: {', '.join(missing)}." if missing else ""
    again = f" The journal has {', '.join(kept)}: run this again, which brings them back." if kept else ""
    return text + lost + again, not kept


def _earlier(context: Context) -> Sequence[Object]:
    """Those that an interrupted run has deleted."""
    return interrupted_facts(context.progress).get("pods") or ()
