# Copyright: kindlab.volumes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Preflight of a recreation: the node images exist, and the archives fit on the disk."""

from __future__ import annotations

import shutil
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from ansible_collections.kindlab.volumes.plugins.module_utils._core.errors import BadInput
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.engine import Engine


def check_images(engine: Engine, images: Iterable[str]) -> None:
    """Raise BadInput if a node could not be created again because the engine lacks its image."""
    missing = [image for image in images if engine.image_id(image) is None]
    if missing:
        raise BadInput(
            f"The nodes can't be created again: {engine.name} has no image {', '.join(missing)}. Nothing was changed.",
            tried=f"{engine.name} image inspect {missing[0]}",
            next_step=f"{engine.name} pull {missing[0]}, or the role kindlab.volumes.node_image.",
        )


def check_disk(path: str, archived: Iterable[Mapping[str, Any]]) -> None:
    """Raise BadInput if uncompressed archives of these volumes would not fit on the disk."""
    needed = sum(volume["bytes"] for volume in archived)
    place = Path(path)
    free = shutil.disk_usage(next(p for p in (place, *place.parents) if p.exists())).free
    if needed > free:
        raise BadInput(
            f"The disk of {path} may be too small: {free:,} bytes are free, the volumes hold {needed:,}. "
            "Nothing was changed.",
            tried=f"df -h {path}",
            next_step="Free some space, or set path to a directory on a larger disk.",
        )
