# Copyright: kindlab.volumes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Container engines in the order in which they are tried, how they differ, and kind commands for them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class ContainerEngine:
    """How one engine differs.

    save: options of `save` for several images in one archive. start: the command that starts its daemon. group: the
    group whose members may use it. where: a command that shows the host on which it runs.
    """

    save: tuple[str, ...] = ()
    start: str = ""
    group: str = ""
    where: str = ""


ENGINES: Mapping[str, ContainerEngine] = {
    "docker": ContainerEngine(
        start="systemctl start docker", group="docker", where="docker context show; echo $DOCKER_HOST"
    ),
    "podman": ContainerEngine(
        save=("--format", "docker-archive", "--multi-image-archive"), where="podman system connection list"
    ),
    "nerdctl": ContainerEngine(start="systemctl start containerd", where="echo $CONTAINERD_ADDRESS"),
}


def kind_command(engine: str, arguments: str) -> str:
    """A kind command that uses this engine, to paste; kind itself uses docker if it is installed."""
    return f"{'' if engine == 'docker' else f'KIND_EXPERIMENTAL_PROVIDER={engine} '}kind {arguments}"
