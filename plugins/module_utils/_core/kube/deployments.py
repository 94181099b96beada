# Copyright: kindlab.volumes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Deployments: images and arguments of their containers."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from .objects import Object


def containers(deployment: Mapping[str, Any]) -> list[Object]:
    """The containers of a Deployment's pods."""
    return list(deployment["spec"]["template"]["spec"]["containers"])


def argv(container: Mapping[str, Any]) -> list[str]:
    """The command and arguments in the manifest; the image's own command is not included."""
    return [*(container.get("command") or ()), *(container.get("args") or ())]


def repository(image: str) -> str:
    """The last component of an image's name, without tag and digest."""
    return image.partition("@")[0].rpartition("/")[2].partition(":")[0]


def flag(argv: list[str], name: str) -> str:
    """The value of --name VALUE or --name=VALUE, '' if it is not given."""
    for position, word in enumerate(argv):
        flag, equals, value = word.lstrip("-").partition("=")
        if word.startswith("-") and flag == name:
            return value if equals else "".join(argv[position + 1 : position + 2])
    return ""


def env(container: Mapping[str, Any], name: str) -> str:
    """The value of an environment variable, '' if the manifest does not set it."""
    return next((e.get("value", "") for e in container.get("env") or () if e["name"] == name), "")


def images_on(nodes: Iterable[Object], which: Callable[[Iterable[bool]], bool]) -> list[str]:
    """Names of images (without those by digest) that all nodes report, or any node. which: all or any."""
    each = [
        {name for image in node.get("status", {}).get("images") or () for name in image.get("names") or ()}
        for node in nodes
    ]
    return sorted(name for name in set().union(*each) if "@" not in name and which(name in names for names in each))


def find_image(images: list[str], repositories: Iterable[str]) -> str:
    """The last image of the first repository that has one, '' if none has."""
    matching = ([image for image in images if repository(image) == name] for name in repositories)
    return next((images[-1] for images in matching if images), "")
