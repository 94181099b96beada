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
    earlier = interrupted_facts(context.progress).get("pods") or ()
    context.facts["pods"] = list({namespaced_name(pod): pod for pod in (*earlier, *found)}.values())


def create_again(context: Context, deleted: Sequence[str]) -> str:
    """Create pods again in the cluster that was not deleted; sentences about them, '' for none.

    deleted: the names of those that this run has deleted, or would have; an earlier run may have deleted others.
    """
    pods = context.facts.get("pods") or []
    rows: list[Object] = []
    with suppress(KindlabError):
        rows = objects.create(context, pods) if pods else []
    there = {f"{row['namespace']}/{row['name']}": row["action"] for row in rows if row["result"] in (EQUAL, ADAPTED)}
    created = [name for name, action in there.items() if action == CREATE]
    missing = [name for name in dict.fromkeys([*deleted, *map(namespaced_name, pods)]) if name not in there]
    text = f" Pods without a controller were created again: {', '.join(created)}." if created else ""
    lost = f" These pods were deleted and have no controller: {', '.join(missing)}." if missing else ""
    return text + lost
