# Copyright: kindlab.volumes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Remove the oldest generations, and the archives of images that no other one needs."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from contextlib import suppress
from pathlib import Path

from ansible_collections.kindlab.volumes.plugins.module_utils._core.backup.catalog import GENERATIONS, Catalog
from ansible_collections.kindlab.volumes.plugins.module_utils._core.backup.manifests import CLUSTER
from ansible_collections.kindlab.volumes.plugins.module_utils._core.backup.retention import Retention, retention
from ansible_collections.kindlab.volumes.plugins.module_utils._core.errors import BadInput, Conflict
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kube.volumes import Volume
from ansible_collections.kindlab.volumes.plugins.module_utils._core.loaded_images.index import read_index
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.backup.reader import Backup
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.backup.writer import remove_generations
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.loaded_images import store


def remove_oldest(
    path: str,
    generations: Sequence[tuple[str, Catalog | None]],
    keep: int,
    living: Iterable[Volume],
    *,
    check_mode: bool,
) -> Retention:
    """Remove the oldest generations of a backup, whose only writer this is. The arguments are those of retention()."""
    kept = retention(generations, keep, living)
    if keep and not check_mode:
        remove_generations(path, kept.removed)
        remove_images(path, [item for item in generations if item[0] not in kept.removed])
    return kept


def remove_images(path: str, generations: Sequence[tuple[str, Catalog | None]]) -> None:
    """Keep all if one of the generations cannot be read, or if another run writes images at this moment."""
    if not store.has_any(path):
        return
    needed: set[str] = set()
    with suppress(BadInput, Conflict), store.locked(path):
        for name, catalog in generations:
            if catalog is None:
                return
            directory = Path(path) / GENERATIONS / name
            for item in Backup(directory, name, catalog).objects(CLUSTER):
                needed.update(image.archive for image in read_index(item.get("loaded_images", []), str(directory)))
        store.remove_unneeded(path, needed)
