# Copyright: kindlab.volumes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Steps of a recreation that save the images which were loaded into nodes, and load them into the new ones."""

from __future__ import annotations

from ansible_collections.kindlab.volumes.plugins.module_utils._core.clock import Deadline
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kind.nodes import kubernetes_nodes
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kind.view import RUNNING
from ansible_collections.kindlab.volumes.plugins.module_utils._core.loaded_images.plan import NONE
from ansible_collections.kindlab.volumes.plugins.module_utils._core.recreate.running.counts import images_text
from ansible_collections.kindlab.volumes.plugins.module_utils._core.recreate.shape import cluster_spec
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.loaded_images.beside import Loader, with_earlier
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.loaded_images.load import load_images
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.loaded_images.save import save_images
from ansible_collections.kindlab.volumes.plugins.module_utils._sequence.recreate.context import Context, Facts


def plan(context: Context) -> None:
    """Raises Declined for images that could not be saved."""
    nodes = context.engine.nodes(context.name)
    planned = save_images(context.engine, nodes, context.path, context.options["images"], check_mode=True)
    context.facts["loaded_images"] = planned.index


def save(context: Context) -> Facts:
    nodes = context.engine.nodes(context.name)
    saved = save_images(context.engine, nodes, context.path, context.options["images"])
    return _facts(context, saved.index, {node.name: node.role for node in kubernetes_nodes(nodes)})


def save_or_keep(context: Context) -> Facts:
    """Nodes that do not run do not tell which images they have: those of the last backup are loaded."""
    if all(node.state == RUNNING for node in kubernetes_nodes(context.engine.nodes(context.name))):
        return save(context)
    return _facts(context, context.facts.get("loaded_images") or [], context.facts.get("node_roles") or {})


def loader(context: Context) -> Loader | None:
    """What loads images while the nodes are created; None if there are none to load."""
    facts = context.target
    index = facts.get("loaded_images") or []
    if context.options["images"] == NONE or not index:
        return None
    names = [node.name for node in cluster_spec(context.name, facts["options"]).nodes]
    seconds = context.options["wait_timeout"]
    return Loader(context.engine, context.name, names, context.path, index, facts.get("node_roles") or {}, seconds)


def load(context: Context) -> Facts:
    facts = context.target
    earlier = context.loader.wait() if context.loader else []
    rows = load_images(
        context.engine,
        context.engine.nodes(context.name),
        context.path,
        facts.get("loaded_images") or [],
        facts.get("node_roles") or {},
        Deadline(context.options["wait_timeout"]),
    )
    context.results["images_loaded"] = {"images": with_earlier(rows, earlier)}
    missing = [row["names"][0] for row in rows if row["missing"]]
    if missing:
        context.warnings.append(
            f"The new nodes do not have {', '.join(missing)}, which the old node image brought under another name."
        )
    return {"count": images_text(rows)}


def _facts(context: Context, index: list[Facts], roles: dict[str, str]) -> Facts:
    facts = {"loaded_images": index, "node_roles": roles}
    context.facts |= facts
    return {**facts, "count": images_text(index)}
