# Copyright: kindlab.volumes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Pods that nothing makes again, and that a recreation deletes (unmanaged=delete): known before, and created again."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress

from ansible_collections.kindlab.volumes.plugins.module_utils._core.errors import KindlabError
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kube.objects import Object, namespaced_name
from ansible_collections.kindlab.volumes.plugins.module_utils._core.recreate.facts import interrupted_facts
from ansible_collections.kindlab.volumes.plugins.module_utils._sequence.recreate.context import Context

from . import objects
from .source import to_restore

_POD = "Pod"


def plan(context: Context) -> None:
    """Remember the pods that are deleted before objects are saved; also those that an interrupted run has deleted."""
    names = context.results["detached"].get("deleted_pods") or ()
    found: list[Object] = []
    if names and context.options["objects"] == "all":
        found = [item for item in to_restore(context).made if item["kind"] == _POD and namespaced_name(item) in names]
    earlier = interrupted_facts(context.progress).get("pods") or ()
    context.facts["pods"] = list({namespaced_name(pod): pod for pod in (*earlier, *found)}.values())


def create_again(context: Context, names: Sequence[str]) -> str:
    """Create the pods of these names in the cluster that was not deleted; a sentence about all of them."""
    pods = [pod for pod in context.facts.get("pods") or () if namespaced_name(pod) in names]
    rows: list[Object] = []
    with suppress(KindlabError):
        rows = objects.create(context, pods) if pods else []
    there = {f"{row['namespace']}/{row['name']}" for row in rows if row["result"] in ("equal", "adapted")}
    missing = [name for name in names if name not in there]
    if missing:
        return f"These pods were deleted and have no controller: {', '.join(missing)}."
    return f"Pods without a controller were created again: {', '.join(names)}."
