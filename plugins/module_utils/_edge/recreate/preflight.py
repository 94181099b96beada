# Copyright: kindlab.volumes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Whether a cluster can be made again on this machine: its images are there, and archives fit the disk."""

from __future__ import annotations

import shutil
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from ansible_collections.kindlab.volumes.plugins.module_utils._core.errors import BadInput
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.engine import Engine


def check_images(engine: Engine, images: Iterable[str]) -> None:
    """Raise BadInput where a node could not be made again, because its image is gone."""
    missing = [image for image in images if engine.image_id(image) is None]
    if missing:
        raise BadInput(
            f"The nodes can't be made again: {engine.name} has no image {', '.join(missing)}. Nothing was changed.",
            tried=f"{engine.name} image inspect {missing[0]}",
            next_step=f"Bring it into the engine: role kindlab.volumes.node_image, or {engine.name} pull.",
        )


def check_disk(path: str, archived: Iterable[Mapping[str, Any]]) -> None:
    """Raise BadInput where archives of these volumes would not fit the disk, compressed or not."""
    needed = sum(volume["bytes"] for volume in archived)
    place = Path(path)
    free = shutil.disk_usage(next(p for p in (place, *place.parents) if p.exists())).free
    if needed > free:
        raise BadInput(
            f"The disk of {path} may be too small: {free:,} bytes are free, the volumes hold {needed:,}. "
            "Nothing was changed.",
            tried=f"df -h {path}",
            next_step="Free some space, or name a path on a larger disk.",
        )
