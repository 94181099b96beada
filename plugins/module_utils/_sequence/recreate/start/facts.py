# Copyright: kindlab.volumes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The facts that a new cluster is created from, with the options that are given now."""

from __future__ import annotations

from typing import Any

from ansible_collections.kindlab.volumes.plugins.module_utils._action import kind_cluster
from ansible_collections.kindlab.volumes.plugins.module_utils._core.identity.node_settings import without_labels
from ansible_collections.kindlab.volumes.plugins.module_utils._core.recreate.facts import node_images, of_cluster
from ansible_collections.kindlab.volumes.plugins.module_utils._core.recreate.shape import (
    change_texts,
    changes,
    cluster_options,
    keeping_directories,
    requested_labels,
)
from ansible_collections.kindlab.volumes.plugins.module_utils._core.text import listed
from ansible_collections.kindlab.volumes.plugins.module_utils._sequence.recreate.context import Context, Facts


def set_facts(context: Context, cluster: Facts | None) -> None:
    """Complete context.facts. cluster: the complete one that is recreated, None if its facts are known."""
    facts, requested = context.facts, context.options["options"] or {}
    if cluster is not None:
        facts = of_cluster({**cluster, "name": context.name}, context.engine.name)
    recorded: dict[str, Any] = facts["options"]
    images = node_images(cluster, facts["images"])
    options = cluster_options(context.name, requested, recorded, images, known=kind_cluster.ARGUMENTS)
    changed: list[str] = []
    if recorded:
        before = cluster_options(context.name, {}, recorded, images)
        changed = change_texts(changes(context.name, before, options))
    else:
        options = keeping_directories(options)
    if changed:
        context.warnings.append(
            f"Options that are given now replace recorded ones of cluster {context.name}: "
            f"{listed(changed, separator='; ')}."
        )
    context.facts = {
        **facts,
        "options": options,
        "described": bool(recorded),
        "changes": changed,
        "node_settings": without_labels(facts.get("node_settings") or {}, requested_labels(requested)),
    }
