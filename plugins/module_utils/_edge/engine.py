# Copyright: kindlab.volumes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Container engine: node containers, their mounts, and commands inside them."""

from __future__ import annotations

import json
import os
import shlex
import shutil
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from ansible_collections.kindlab.volumes.plugins.module_utils._core.engines import ENGINES
from ansible_collections.kindlab.volumes.plugins.module_utils._core.errors import CommandFailed, TimedOut, Unreachable
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kind.nodes import (
    CLUSTER_LABEL,
    ROLE_LABEL,
    Mount,
    Node,
    Port,
)

from .command import Completed, NodeRunner, Runner, last_lines

# Exit codes of a node that was stopped: by itself, or by a signal (SIGRTMIN+3 for its systemd, then SIGKILL).
STOPPED = (0, 130, 137, 143)
ANSWER_SECONDS = 30
# Starting and stopping: an engine gives each container ten seconds to stop.
STATE_SECONDS = 180
# Of a list of nodes, while others are created and deleted; with a longer pause each time, 1.2 seconds in all.
ATTEMPTS = 4
PAUSE = 0.2


class Engine:
    """docker, podman or nerdctl (name), by their common command line."""

    def __init__(self, name: str, runner: Runner) -> None:
        self.name = name
        self.runner = runner

    def check(self) -> None:
        """Raise Unreachable unless the engine answers this user."""
        try:
            done = self.runner.run([self.name, "ps", "--quiet", "--last", "1"], check=False, timeout=ANSWER_SECONDS)
        except (CommandFailed, TimedOut) as error:
            raise self._unreachable(error.message, error.tried) from None
        if done.code != 0:
            stderr = last_lines(done)
            if "permission denied" in stderr.lower():
                group = ENGINES[self.name].group
                login = f", or log in again after: sudo usermod -aG {group} $USER" if group else ""
                raise Unreachable(
                    f"{self.name} denies access to this user: {stderr}",
                    tried=f"{self.name} ps",
                    next_step=f"Run this as root{login}.",
                )
            raise self._unreachable(f"{self.name} does not answer: {stderr}", f"{self.name} ps")

    def nodes(self, cluster: str | None = None) -> tuple[Node, ...]:
        """The node containers of one kind cluster, or of all, in two calls. Raises Unreachable."""
        label = CLUSTER_LABEL if cluster is None else f"{CLUSTER_LABEL}={cluster}"
        argv = [self.name, "ps", "--all", "--quiet", "--no-trunc", "--filter", f"label={label}"]
        for attempt in range(ATTEMPTS):
            time.sleep(PAUSE * attempt)
            ids = self._listed(argv)
            if not ids:
                return ()
            # A container that is deleted at this moment fails the inspection of all.
            last = attempt == ATTEMPTS - 1
            inspected = self.runner.run([self.name, "inspect", *ids], check=last, timeout=ANSWER_SECONDS)
            if inspected.code == 0:
                break
        try:
            found = [_node(container) for container in json.loads(inspected.out)]
        except (ValueError, LookupError, TypeError, AttributeError) as error:
            why = f"{self.name} shows its containers in a form that is not known: {error!r}"
            raise self._unreachable(why, shlex.join([self.name, "inspect", *ids])) from None
        return tuple(sorted(found, key=lambda n: (n.cluster, n.name)))

    def _listed(self, argv: Sequence[str]) -> list[str]:
        try:
            done = self.runner.run(argv, check=False, timeout=ANSWER_SECONDS)
        except (CommandFailed, TimedOut) as error:
            raise self._unreachable(error.message, error.tried) from None
        if done.code != 0:
            self.check()
            raise self._unreachable(f"{self.name} failed to list containers: {last_lines(done)}", shlex.join(argv))
        return done.out.split()

    def image_id(self, image: str) -> str | None:
        """The id of an image of the engine, None if it has none of that name."""
        done = self.query("image", "inspect", "--format", "{{.Id}}", image)
        return done.out.strip() if done.code == 0 else None

    def query(self, *words: str, timeout: float = ANSWER_SECONDS) -> Completed:
        """The answer to a command that changes nothing, even if it fails. Raises TimedOut."""
        return self.runner.run([self.name, *words], check=False, timeout=timeout)

    def start(self, nodes: Sequence[Node]) -> None:
        """Start stopped containers and unpause paused ones."""
        self._unpause(nodes)
        self._all("start", [node for node in nodes if node.state not in ("paused", "running")])

    def stop(self, nodes: Sequence[Node]) -> None:
        """Stop containers with all their processes."""
        self._unpause(nodes)
        self._all("stop", [node for node in nodes if node.state in ("paused", "running")])

    def _unpause(self, nodes: Sequence[Node]) -> None:
        self._all("unpause", [node for node in nodes if node.state == "paused"])

    def _all(self, verb: str, nodes: Sequence[Node]) -> None:
        if nodes:
            self.runner.run([self.name, verb, *(node.name for node in nodes)], timeout=STATE_SECONDS)

    def save_argv(self, images: Sequence[str]) -> list[str]:
        """The command that writes images as one archive to its standard output."""
        return [self.name, "save", *ENGINES[self.name].save, *images]

    def inside(self, node: str) -> Runner:
        """A runner of commands inside a node container."""
        return NodeRunner(self.name, node, self.runner)

    def _unreachable(self, message: str, tried: str) -> Unreachable:
        start = ENGINES[self.name].start
        return Unreachable(
            message,
            tried=tried,
            next_step=f"Start the engine{f': {start}' if start else ''}. Then run this again."
            if self.name != "docker"
            else f"Start the engine: {start} (the role kindlab.volumes.engine does). Then run this again.",
        )


def find_engine(name: str, runner: Runner) -> Engine:
    """The engine of that name; for 'auto' the one that kind is told to use, else the first that is installed."""
    if name != "auto":
        return Engine(name, runner)
    requested = os.environ.get("KIND_EXPERIMENTAL_PROVIDER", "")
    if requested in ENGINES:
        return Engine(requested, runner)
    return Engine(next((engine for engine in ENGINES if shutil.which(engine)), "docker"), runner)


def nodes_of_others(engine: Engine) -> Iterator[tuple[str, tuple[Node, ...] | str]]:
    """The other engines of this host with their node containers, or why these are not known."""
    for name in ENGINES:
        if name != engine.name and shutil.which(name):
            try:
                yield name, Engine(name, engine.runner).nodes()
            except (CommandFailed, TimedOut, Unreachable) as error:
                yield name, error.message.rstrip(".")


def _node(container: Mapping[str, Any]) -> Node:
    """A node from what `inspect` shows. nerdctl before 2.1.4 shows neither Config.Image nor HostConfig."""
    config, state = container.get("Config") or {}, container.get("State") or {}
    labels, image, host = config.get("Labels") or {}, config.get("Image", ""), container.get("HostConfig")
    unknown = (*([] if image else ["image"]), *([] if host else ["ports"]))
    return Node(
        name=container["Name"].lstrip("/"),
        cluster=labels.get(CLUSTER_LABEL, ""),
        role=labels.get(ROLE_LABEL, ""),
        state=state.get("Status", ""),
        exit_reason=_exit_reason(state),
        # Without Config.Image, Image is the name.
        image=image or container.get("Image", ""),
        image_id=container.get("Image", ""),
        mounts=tuple(sorted(_mounts(container), key=lambda m: m.node_path)),
        ports=tuple(_ports((host or container.get("NetworkSettings") or {}).get("PortBindings" if host else "Ports"))),
        unknown=unknown,
        container=container.get("Id", ""),
    )


def _exit_reason(state: Mapping[str, Any]) -> str:
    """Why a container is not running, '' for one that is."""
    if state.get("Status") not in ("exited", "dead"):
        return ""
    if state.get("OOMKilled"):
        return "crashed, out of memory"
    code = int(state.get("ExitCode") or 0)
    return f"{'stopped' if code in STOPPED else 'crashed'}, exit code {code}"


def _mounts(container: Mapping[str, Any]) -> Iterable[Mount]:
    for mount in container.get("Mounts") or ():
        yield Mount(
            node_path=mount["Destination"],
            host_path=mount.get("Source", ""),
            kind=mount.get("Type", "bind"),
            read_only=not mount.get("RW", True),
            propagation=mount.get("Propagation", ""),
        )
    for path in (container.get("HostConfig") or {}).get("Tmpfs") or {}:
        yield Mount(node_path=path, host_path="", kind="tmpfs")


def _ports(bindings: Mapping[str, Any] | None) -> Iterable[Port]:
    for port, places in sorted((bindings or {}).items()):
        number, _slash, protocol = port.partition("/")
        for place in places or ():
            yield Port(
                int(number), int(place.get("HostPort") or 0), place.get("HostIp", ""), (protocol or "tcp").upper()
            )
