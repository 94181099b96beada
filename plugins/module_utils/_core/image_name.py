# Copyright: kindlab.volumes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Names of images, as they can be compared."""

from __future__ import annotations


def plain_name(image: str) -> str:
    """The name without its registry, with its tag: busybox:latest, however an engine or a node writes it.

    The registry says where an image was taken from, and nodes write one where people leave it out; that two names are
    the same content is told by their digests. The first part is a registry where it holds a dot or a colon, or is
    localhost (Docker's rule, reference.ParseNormalizedNamed).
    """
    first, _slash, rest = image.partition("/")
    name = rest if rest and (first == "localhost" or set(first) & set(".:")) else image
    name = name.removeprefix("library/")
    has_tag = ":" in name.rpartition("/")[2]
    return name if has_tag or "@" in name else f"{name}:latest"


def full_id(image_id: str) -> str:
    """An image's id with the name of its hash, which podman leaves out."""
    return image_id if ":" in image_id else f"sha256:{image_id}"
