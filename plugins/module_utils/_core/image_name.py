# Copyright: kindlab.volumes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Names of images: as people write them, and in full."""

from __future__ import annotations


def full_name(image: str) -> str:
    """The name with registry, repository and tag written out, as nodes know it: docker.io/library/busybox:latest.

    The rule is Docker's (reference.ParseNormalizedNamed): the first part is a registry where it holds a dot or a
    colon, or is localhost.
    """
    name = image if "/" in image else f"library/{image}"
    first = name.partition("/")[0]
    if first != "localhost" and not set(first) & set(".:"):
        name = f"docker.io/{name}"
    has_tag = ":" in name.rpartition("/")[2]
    return name if has_tag or "@" in name else f"{name}:latest"


def full_id(image_id: str) -> str:
    """An image's id with the name of its hash, which podman leaves out."""
    return image_id if ":" in image_id else f"sha256:{image_id}"
