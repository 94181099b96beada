# Copyright: kindlab.volumes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Observe what a new cluster needs of this host: images, names, ports, inotify instances and disk space."""

from __future__ import annotations

import errno
import os
import platform
import re
import shutil
import socket
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial

from ansible_collections.kindlab.volumes.plugins.module_utils._core.engines import ENGINES
from ansible_collections.kindlab.volumes.plugins.module_utils._core.errors import KindlabError, TimedOut
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kind.host.preflight import (
    Machine,
    is_active,
    port_text,
    wanted_images,
    wanted_ports,
)
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kind.nodes import Node, Port
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kind.spec import ClusterSpec
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.bounds import answer
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.engine import Engine
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.kind.cli import Kind

from . import directories, trial

INSTANCES = "/proc/sys/fs/inotify/max_user_instances"
VERSION_SECONDS = 60
# Part of the name of the program that every node image starts; kind's own is /usr/local/bin/entrypoint.
ENTRYPOINT = "entrypoint"
_PUBLISHED = re.compile(r"([\w.:\[\]]*):(\d+)(?:-(\d+))?->[\d-]+/(\w+)")
# A client that cannot ask, or does not trust a registry that its daemon may trust.
_NO_PROOF = re.compile(
    r"unknown (sub)?command|is not a \w+ command|experimental|HTTP response to HTTPS|x509|certificate"
)
_WIDE = {"", "0.0.0.0", "::", "[::]"}


def look(
    engine: Engine,
    spec: ClusterSpec,
    program: str,
    own: Sequence[Node],
    *,
    pulls: bool = True,
    assume_image: bool = False,
) -> Machine:
    """What the creation of the cluster needs. Raises KindlabError.

    program: kind. own: the cluster's nodes that are deleted before. pulls: an image that the engine does not have may
    come from its registry. assume_image: it will be there.
    """
    kind = Kind(engine.runner, engine.name, program)
    default = "" if all(node.image for node in spec.nodes) else kind.default_image()
    images = wanted_images(spec, default)
    with ThreadPoolExecutor(3 + len(images)) as pool:
        nodes, listed = pool.submit(engine.nodes), pool.submit(_containers, engine)
        info = pool.submit(_engine_host, engine)
        asked = partial(why_unusable, engine, pulls=pulls, assume_image=assume_image)
        problems = pool.map(asked, images)
        usable = dict(zip(images, problems))
        containers = listed.result()
        local, root = info.result()
    names, mine = {node.name for node in spec.nodes}, {node.name for node in own}
    return Machine(
        engine=engine.name,
        images=usable,
        containers=tuple(sorted(names.intersection(containers) - mine)),
        ports=_taken(
            wanted_ports(spec), {n: text for n, text in containers.items() if n not in mine}, own, local=local
        ),
        others=tuple(node for node in nodes.result() if node.cluster != spec.name),
        own=tuple(own),
        instances=_number(INSTANCES) if local else None,
        root=root,
        free_bytes=_free(root) if local and root else None,
        faults=(*directories.refusals(spec.directories), *trial.refusals(engine, spec, usable, kind)),
    )


def why_unusable(engine: Engine, image: str, *, pulls: bool = True, assume_image: bool = False) -> str:
    """Why nodes cannot be created from an image, '' if they can: the engine has it, or (pulls) a registry does.

    assume_image: the engine will have it.
    """
    done = engine.query("image", "inspect", "--format", "{{json .Config.Entrypoint}}", image)
    if done.code == 0:
        entrypoint = done.out.strip()
        wrong = entrypoint == "null" or (entrypoint.startswith("[") and ENTRYPOINT not in entrypoint)
        return f"it is not a node image of kind (its entrypoint is {entrypoint})" if wrong else ""
    if assume_image:
        return ""
    if not pulls:
        return f"{engine.name} does not have it"
    try:
        asked = engine.query("manifest", "inspect", ENGINES[engine.name].registry + image)
    except TimedOut as error:
        return f"{engine.name} does not have it, and its registry does not answer: {error.message}"
    said = " ".join((asked.err or asked.out).split())
    if asked.code == 0 or _NO_PROOF.search(said) or _pulls_otherwise(engine):
        return ""
    return f"{engine.name} does not have it and cannot pull it: {said[:300]}"


def image_version(engine: Engine, image: str) -> str:
    """The Kubernetes version in a node image, e.g. v1.34.4; '' if it cannot be read."""
    cat = ("run", "--rm", "--network", "none", "--entrypoint", "cat", image, "/kind/version")
    try:
        done = engine.query(*cat, timeout=VERSION_SECONDS)
    except KindlabError:
        return ""
    return done.out.strip() if done.code == 0 else ""


def _pulls_otherwise(engine: Engine) -> bool:
    """True if a daemon pulls by mirrors or a proxy that its client does not use."""
    if not ENGINES[engine.name].pulls:
        return False
    done = engine.query("info", "--format", ENGINES[engine.name].pulls)
    return done.code == 0 and done.out.strip() not in ("", "[]", "null")


def _containers(engine: Engine) -> dict[str, str]:
    """The published ports of each container, by its name."""
    done = engine.query("ps", "--all", "--format", "{{.Names}}\t{{.Ports}}")
    rows = [line.partition("\t") for line in done.out.splitlines() if line.strip()] if done.code == 0 else []
    return {name: ports for names, _tab, ports in rows for name in names.split(",")}


def _engine_host(engine: Engine) -> tuple[bool, str]:
    """(whether the engine runs on this host, its directory)."""
    try:
        done = engine.query("info", "--format", ENGINES[engine.name].info)
    except KindlabError:
        return False, ""
    name, _tab, root = done.out.strip().partition("\t")
    return done.code == 0 and name == platform.node(), root


def _taken(ports: Iterable[Port], published: Mapping[str, str], own: Sequence[Node], *, local: bool) -> dict[str, str]:
    """Why ports cannot be published. published: ports of other containers; own: nodes that are deleted before."""
    freed = {(port.host_port, port.protocol) for node in own if is_active(node) for port in node.ports}
    taken = {}
    for port in ports:
        if (port.host_port, port.protocol) not in freed:
            owner = next((name for name, text in published.items() if _publishes(text, port)), "")
            problem = f"container {owner} publishes it" if owner else _bind(port) if local else ""
            if problem:
                taken[port_text(port)] = problem
    return taken


def _publishes(text: str, port: Port) -> bool:
    """True if an engine's list of published ports has the port, e.g. '0.0.0.0:80-81->80-81/tcp, :::80->80/tcp'."""
    return any(
        int(first) <= port.host_port <= int(last or first)
        and protocol.upper() == port.protocol
        and (listen == port.listen or {listen, port.listen} & _WIDE)
        for listen, first, last, protocol in _PUBLISHED.findall(text)
    )


def _bind(port: Port) -> str:
    """Why this host cannot listen on the port, '' if it can, or if this user may not try."""
    kind = {"TCP": socket.SOCK_STREAM, "UDP": socket.SOCK_DGRAM}.get(port.protocol)
    for address in ([port.listen] if port.listen else ["0.0.0.0", "::"]) if kind else ():
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        try:
            with socket.socket(family, kind or socket.SOCK_STREAM) as tried:
                if port.protocol == "TCP":
                    tried.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                if family == socket.AF_INET6:
                    tried.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
                tried.bind((address, port.host_port))
        except (OSError, ValueError) as error:
            code = getattr(error, "errno", 0)
            if code == errno.EADDRINUSE:
                return "another program of this host listens on it"
            if code == errno.EADDRNOTAVAIL and port.listen:
                return f"{port.listen} is not an address of this host"
    return ""


def _number(path: str) -> int | None:
    try:
        with open(path, encoding="ascii") as file:
            return int(file.read())
    except (OSError, ValueError):
        return None


def _free(path: str) -> int | None:
    """Free bytes of the disk of a path, which this user may not be able to enter."""
    while not os.path.exists(path) and path != "/":
        path = os.path.dirname(path)
    try:
        return answer(lambda: shutil.disk_usage(path), path).free
    except OSError:
        return None
