# Copyright: kindlab.volumes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The index of the images that a generation needs, and which of them a node of a new cluster gets."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from typing import Any

from ansible_collections.kindlab.volumes.plugins.module_utils._core.errors import BadInput
from ansible_collections.kindlab.volumes.plugins.module_utils._core.shape.fits import fits

DIRECTORY = "images"
WORKER = "worker"
_ROW = {"names!": [str], "digest!": str, "nodes!": [str], "bytes!": int, "archive!": str}
_DIGEST = re.compile(r"sha256:[0-9a-f]{64}")
_NAME = re.compile(r"\w[\w./:@+-]*")


@dataclass(frozen=True)
class SavedImage:
    """One content. names: all by which the nodes know it; bytes: of its blobs.

    archive: path in the backup; '' for content that the node image brings and people gave more names.
    """

    names: tuple[str, ...]
    digest: str
    nodes: tuple[str, ...]
    bytes: int = 0
    archive: str = ""

    def as_dict(self) -> dict[str, Any]:
        """The row in the index."""
        return {name: list(value) if isinstance(value, tuple) else value for name, value in asdict(self).items()}


def archive_of(digest: str) -> str:
    """The path of a content's archive in the backup."""
    return f"{DIRECTORY}/{digest.partition(':')[2]}.tar"


def read_index(rows: Any, where: str) -> tuple[SavedImage, ...]:
    """The index from a generation (where: its file). Raises BadInput if it is invalid, or names a path outside."""
    if not fits(rows, [_ROW]) or not all(map(_is_sound, rows)):
        raise BadInput(
            f"{where} lists loaded images in a form that is not known.",
            next_step="Use another generation of this backup, or a copy of it.",
        )
    return tuple(SavedImage(tuple(r["names"]), r["digest"], tuple(r["nodes"]), r["bytes"], r["archive"]) for r in rows)


def _is_sound(row: Mapping[str, Any]) -> bool:
    return bool(
        _DIGEST.fullmatch(row["digest"])
        and row["archive"] in ("", archive_of(row["digest"]))
        and row["names"]
        and all(map(_NAME.fullmatch, row["names"]))
    )


def wanted_images(
    index: Iterable[SavedImage], nodes: Mapping[str, str], before: Mapping[str, str]
) -> dict[str, dict[str, SavedImage]]:
    """{node: {name: image}} of a new cluster. nodes, before: its nodes and those that were saved, with their roles.

    A node of before gets what it had. Another one gets what any of its role had, or any node if there was none of it;
    if they had different content of one name, what most of them had.
    """
    ordered = sorted(index, key=lambda image: (len(image.nodes), image.digest))
    wanted = {}
    for node, role in nodes.items():
        alike = {name for name, other in before.items() if other == role} or set(before)
        like = {node} if node in before else alike
        wanted[node] = {name: image for image in ordered if like & set(image.nodes) for name in image.names}
    return wanted
