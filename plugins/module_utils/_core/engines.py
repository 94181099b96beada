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
    group whose members may use it. info: the template of `info` for its host name and directory. registry: what an
    image's name begins with in `manifest inspect`. pulls: the template of `info` for mirrors and proxies by which a
    daemon pulls, and its client does not. where: the command that shows which host's engine is used.
    """

    save: tuple[str, ...] = ()
    start: str = ""
    group: str = ""
    info: str = "{{.Name}}\t{{.DockerRootDir}}"
    registry: str = ""
    pulls: str = ""
    where: str = ""


ENGINES: Mapping[str, ContainerEngine] = {
    "docker": ContainerEngine(
        start="systemctl start docker",
        group="docker",
        pulls="{{json .RegistryConfig.Mirrors}}{{.HTTPProxy}}{{.HTTPSProxy}}",
        where="docker context show; echo $DOCKER_HOST",
    ),
    "podman": ContainerEngine(
        save=("--format", "docker-archive", "--multi-image-archive"),
        info="{{.Host.Hostname}}\t{{.Store.GraphRoot}}",
        registry="docker://",
        where="podman system connection list",
    ),
    "nerdctl": ContainerEngine(start="systemctl start containerd", where="echo $CONTAINERD_ADDRESS"),
}


def kind_command(engine: str, arguments: str) -> str:
    """A kind command that uses this engine, to paste; kind itself uses docker if it is installed."""
    return f"{'' if engine == 'docker' else f'KIND_EXPERIMENTAL_PROVIDER={engine} '}kind {arguments}"
