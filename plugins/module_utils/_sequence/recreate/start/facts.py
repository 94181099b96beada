# Copyright: kindlab.volumes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The facts that a new cluster is created from, with the options that are given now."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from typing import Any

from ansible_collections.kindlab.volumes.plugins.module_utils._action import kind_cluster
from ansible_collections.kindlab.volumes.plugins.module_utils._core.identity.node_settings import (
    without_created,
    without_labels,
)
from ansible_collections.kindlab.volumes.plugins.module_utils._core.options import conform
from ansible_collections.kindlab.volumes.plugins.module_utils._core.recreate.facts import node_images, of_cluster
from ansible_collections.kindlab.volumes.plugins.module_utils._core.recreate.requested import (
    NOT_DESCRIBED,
    check_own,
    cluster_options,
    created_labels,
    each_node,
    host_paths,
    keeping_directories,
    requested_labels,
)
from ansible_collections.kindlab.volumes.plugins.module_utils._core.recreate.shape import change_texts, changes
from ansible_collections.kindlab.volumes.plugins.module_utils._core.recreate.steps import BACK
from ansible_collections.kindlab.volumes.plugins.module_utils._core.text import listed
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.kind.source.config_file import OPTION, with_config
from ansible_collections.kindlab.volumes.plugins.module_utils._sequence.recreate.context import Context, Facts

_DESCRIBED = {name: spec for name, spec in kind_cluster.ARGUMENTS.items() if name not in NOT_DESCRIBED}


def set_facts(context: Context, cluster: Facts | None, chosen: Facts) -> None:
    """Complete context.facts.

    cluster: the complete one that is recreated, None if its facts are known. chosen: what the generation has that it
    goes back to, also in its shape; {} for none.
    """
    facts = context.facts
    doubts = list((facts if cluster is None else cluster).get("doubts") or ())
    going_back = facts.get("way") == BACK and cluster is None and context.options["on_failure"] == "old_shape"
    # What is given failed: it counts again where somebody asks to stop.
    context.requested = requested = {} if going_back else _requested(context)
    if cluster is not None:
        facts = of_cluster({**cluster, "name": context.name}, context.engine.name)
        facts |= {"back_to": chosen["back_to"]} if chosen else {}
    recorded: dict[str, Any] = facts["options"]
    images = node_images(cluster, facts["images"])
    shape = (chosen.get("options") if cluster is not None else {}) or recorded
    if _is_whole(context) and not going_back:
        shape, requested = {}, requested if "nodes" in requested else {"control_planes": 1, **requested}
    their_images = images if shape is recorded or not shape else node_images(None, chosen["images"])
    options = cluster_options(context.name, requested, shape, their_images, problem="; ".join(doubts))
    changed: list[str] = []
    before: Mapping[str, Any] = {}
    if recorded:
        before = cluster_options(context.name, {}, recorded, images)
        changed = change_texts(changes(context.name, before, options))
        options = keeping_directories(options, host_paths(before))
        context.warnings += _of_others(context.name, doubts)
    else:
        options = keeping_directories(options)
    if changed:
        context.warnings.append(
            f"{_reason(context, chosen)} of cluster {context.name}: {listed(changed, separator='; ')}."
        )
    labels = requested_labels(requested)
    old = facts.get("old_options") or {**before, "nodes": each_node(before)}
    context.facts = {
        **facts,
        "options": options,
        "old_options": old,
        "way": BACK if going_back else "",
        "described": bool(recorded or shape),
        "changes": changed,
        "node_settings": _node_settings(context.name, facts, labels, old),
    }
    if back_to := facts.get("back_to"):
        settings = _node_settings(context.name, back_to, labels, chosen.get("options") or {})
        context.facts["back_to"] = {**back_to, "node_settings": settings}


def _is_whole(context: Context) -> bool:
    """Whether the given options describe the whole cluster, as a configuration file does: no others are kept."""
    return OPTION in (context.options["options"] or {}) or not context.options["merge_options"]


def _node_settings(name: str, facts: Facts, labels: Iterable[str], created: Facts) -> Facts:
    """What is set on Nodes again. labels: that are requested. created: the options that the nodes were created with."""
    settings = without_labels(facts.get("node_settings") or {}, labels)
    # A label that options do not have any more is not set again.
    return without_created(settings, created_labels(name, created))


def _reason(context: Context, chosen: Facts) -> str:
    if not chosen:
        return "Options that are given now replace recorded ones"
    given = ", and options that are given now," if context.options["options"] else ""
    return f"The options in generation {chosen['generation']}{given} replace those"


def _requested(context: Context) -> dict[str, Any]:
    """The options that are given, checked, with those of the configuration file that they name. Raises BadInput."""
    given = context.options["options"] or {}
    check_own(given)
    return with_config(conform(given, _DESCRIBED, "options", os.path.expanduser), context.name)


def _of_others(name: str, doubts: list[str]) -> list[str]:
    if not doubts:
        return []
    text = f"Cluster {name} was created by other means. Its options were read from it. Not known, or not created again"
    return [f"{text}: {listed(doubts, separator='; ')}."]
