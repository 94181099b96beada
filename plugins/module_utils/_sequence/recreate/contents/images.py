# Copyright: kindlab.volumes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Steps of a recreation that save the images which were loaded into nodes, and load them into the new ones."""

from __future__ import annotations

from ansible_collections.kindlab.volumes.plugins.module_utils._edge.images.saved import load_images, save_images
from ansible_collections.kindlab.volumes.plugins.module_utils._sequence.recreate.context import Context, Facts


def save(context: Context) -> Facts:
    nodes = context.engine.nodes(context.name)
    found = save_images(context.engine, nodes, context.path, context.options["images"])
    context.results["images_saved"] = {"images": found}
    context.facts["images_saved"] = found
    return {"images_saved": found}


def load(context: Context) -> Facts:
    found = context.facts.get("images_saved") or []
    load_images(context.engine, context.engine.nodes(context.name), context.path, found)
    return {}
