# Copyright: kindlab.volumes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Steps of a recreation that make the new cluster: create it, and what people had made of its nodes and storage."""

from __future__ import annotations

from typing import Any

from ansible_collections.kindlab.volumes.plugins.module_utils._action import (
    kind_cluster,
    storage_provisioner,
    storage_provisioner_info,
)
from ansible_collections.kindlab.volumes.plugins.module_utils._core.recreate.resume import another_cluster
from ansible_collections.kindlab.volumes.plugins.module_utils._core.recreate.running.counts import nodes_text
from ansible_collections.kindlab.volumes.plugins.module_utils._core.recreate.shape import cluster_spec, images_of
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.recreate.people import (
    identity,
    set_node_settings,
    set_storage,
    storage_to_install,
)

from .contents import images as loaded
from .context import Context, Facts


def create(context: Context) -> Facts:
    """Images are loaded into the nodes while they come up."""
    context.loader = loader = loaded.loader(context)
    try:
        context.run("created", kind_cluster, context.facts["options"], around=loader.around if loader else None)
        uid, _created = identity(context.connect())
        if context.cluster_id and uid != context.cluster_id:
            raise another_cluster(context.name, str(context.journal.path))
    except BaseException:
        if loader:
            loader.end()
        raise
    context.created = True
    context.facts["cluster_id"] = uid
    nodes = context.results["created"].get("cluster", {}).get("nodes", ())
    return {"cluster_id": uid, "count": nodes_text(nodes)}


def provision(context: Context) -> Facts:
    facts = context.target
    todo: list[Any] = [{"state": "absent"}]
    if any(item["options"] for item in facts["storage_classes"]):
        saved, timeout = facts.get("storage") or (), _timeout(context)
        same = _same_images(context)
        todo = storage_to_install(context.connect(), facts["storage_classes"], saved, timeout, same_images=same)
    for options in todo:
        context.act(storage_provisioner, options, check_mode=False, wait=_has_network(context))
    context.run("provisioned", storage_provisioner_info, {}, check_mode=True)
    return {}


def configure(context: Context) -> Facts:
    """Nodes and storage as people had made them."""
    facts, api = context.target, context.connect()
    settings = facts.get("node_settings") or {}
    saved, same = facts.get("storage") or (), _same_images(context)
    context.warnings += set_storage(api, saved, _timeout(context), same_images=same)
    set_node_settings(api, settings)
    return {}


def _timeout(context: Context) -> float | None:
    """How many seconds provisioners have to get ready, None if they cannot: their network is among the objects."""
    return float(context.options["wait_timeout"]) if _has_network(context) else None


def _has_network(context: Context) -> bool:
    return cluster_spec(context.name, context.target["options"]).has_network


def _same_images(context: Context) -> bool:
    facts = context.target
    return set(images_of(cluster_spec(context.name, facts["options"]))) <= set(facts["images"])
