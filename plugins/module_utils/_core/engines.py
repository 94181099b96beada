# Copyright: kindlab.volumes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Container engines: their names, in the order in which they are tried, and how their command lines differ."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class ContainerEngine:
    """What one engine does differently. save: options with which `save` writes several images as one archive."""

    save: tuple[str, ...] = ()


ENGINES: Mapping[str, ContainerEngine] = {
    "docker": ContainerEngine(),
    "podman": ContainerEngine(save=("--format", "docker-archive", "--multi-image-archive")),
    "nerdctl": ContainerEngine(),
}
