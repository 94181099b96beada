# Copyright: kindlab.volumes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The container engine: the node containers it runs, their mounts, and programs inside them."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from ansible_collections.kindlab.volumes.plugins.module_utils._core.engines import ENGINES
from ansible_collections.kindlab.volumes.plugins.module_utils._core.errors import CommandFailed, TimedOut, Unreachable
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kind.nodes import Mount, Node, Port

from .command import NodeRunner, Runner, last_lines

# Exit codes of a node that was stopped: by itself, or by a signal (SIGRTMIN+3 for its systemd, then SIGKILL).
STOPPED = (0, 130, 137, 143)
CLUSTER_LABEL = "io.x-k8s.kind.cluster"
ROLE_LABEL = "io.x-k8s.kind.role"
ANSWER_SECONDS = 30


class Engine:
    """docker, podman or nerdctl, spoken to by their common command line."""

    def __init__(self, name: str, runner: Runner) -> None:
        self.name = name
        self.runner = runner

    def check(self) -> None:
        """Raise Unreachable, with the next step, unless the engine answers this user."""
        try:
            done = self.runner.run([self.name, "ps", "--quiet", "--last", "1"], check=False, timeout=ANSWER_SECONDS)
        except (CommandFailed, TimedOut) as error:
            raise Unreachable(error.message, tried=error.tried, next_step=_START) from None
        if done.code != 0:
            said = last_lines(done)
            denied = "permission denied" in said.lower()
            raise Unreachable(
                f"{self.name} refuses this user: {said}" if denied else f"{self.name} does not answer: {said}",
                tried=f"{self.name} ps",
                next_step=_RIGHTS if denied else _START,
            )

    def nodes(self, cluster: str | None = None) -> tuple[Node, ...]:
        """The node containers of one kind cluster, or of all; in two calls, whatever their number.

        Raises Unreachable where the engine does not answer.
        """
        wanted = CLUSTER_LABEL if cluster is None else f"{CLUSTER_LABEL}={cluster}"
        argv = [self.name, "ps", "--all", "--quiet", "--no-trunc", "--filter", f"label={wanted}"]
        try:
            listed = self.runner.run(argv, check=False, timeout=ANSWER_SECONDS)
        except (CommandFailed, TimedOut) as error:
            raise Unreachable(error.message, tried=error.tried, next_step=_START) from None
        if listed.code != 0:
            self.check()
            raise Unreachable(f"{self.name} can't list its containers: {last_lines(listed)}", next_step=_START)
        found = listed.out.split()
        if not found:
            return ()
        shown = self.runner.run([self.name, "inspect", *found], timeout=ANSWER_SECONDS)
        return tuple(sorted((_node(c) for c in json.loads(shown.out)), key=lambda n: (n.cluster, n.name)))

    def image_id(self, image: str) -> str | None:
        """The id of an image that the engine has, None where it has none of that name."""
        done = self.runner.run([self.name, "image", "inspect", "--format", "{{.Id}}", image], check=False)
        return done.out.strip() if done.code == 0 else None

    def start(self, nodes: Iterable[Node]) -> None:
        """Start containers that are stopped, and let those go on that are paused."""
        self._unpause_and("start", nodes, lambda state: state not in ("paused", "running"))

    def stop(self, nodes: Iterable[Node]) -> None:
        """Stop containers, and with them all their processes."""
        self._unpause_and("stop", nodes, lambda state: state in ("paused", "running"))

    def _unpause_and(self, verb: str, nodes: Iterable[Node], wanted: Callable[[str], bool]) -> None:
        """Let containers that are paused go on, then do something to those whose state before is wanted."""
        found = tuple(nodes)
        for each, names in (
            ("unpause", [n.name for n in found if n.state == "paused"]),
            (verb, [n.name for n in found if wanted(n.state)]),
        ):
            if names:
                self.runner.run([self.name, each, *names])

    def save_argv(self, images: Sequence[str]) -> list[str]:
        """The command that writes images as one archive to its standard output."""
        return [self.name, "save", *ENGINES[self.name].save, *images]

    def inside(self, node: str) -> Runner:
        """A runner for programs inside a node container."""
        return NodeRunner(self.name, node, self.runner)


def find_engine(name: str, runner: Runner) -> Engine:
    """The engine of that name; with 'auto', kind's own choice or else the first that is installed."""
    if name != "auto":
        return Engine(name, runner)
    asked = os.environ.get("KIND_EXPERIMENTAL_PROVIDER", "")
    if asked in ENGINES:
        return Engine(asked, runner)
    return Engine(next((e for e in ENGINES if shutil.which(e)), "docker"), runner)


_START = "Start the engine (role kindlab.volumes.engine installs and starts Docker), then run this again."
_RIGHTS = "Run as root, or add the user to the engine's group ('usermod -aG docker USER') and log in again."


def _node(container: Mapping[str, Any]) -> Node:
    labels = container["Config"].get("Labels") or {}
    return Node(
        name=container["Name"].lstrip("/"),
        cluster=labels.get(CLUSTER_LABEL, ""),
        role=labels.get(ROLE_LABEL, ""),
        state=container["State"].get("Status", ""),
        ended=_ended(container["State"]),
        image=container["Config"].get("Image", ""),
        image_id=container.get("Image", ""),
        mounts=tuple(sorted(_mounts(container), key=lambda m: m.node_path)),
        ports=tuple(_ports((container.get("HostConfig") or {}).get("PortBindings") or {})),
    )


def _ended(state: Mapping[str, Any]) -> str:
    """How a container that does not run came to its end, '' for others."""
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


def _ports(bindings: Mapping[str, Any]) -> Iterable[Port]:
    for port, places in sorted(bindings.items()):
        number, _slash, protocol = port.partition("/")
        for place in places or ():
            yield Port(int(number), int(place["HostPort"] or 0), place.get("HostIp", ""), (protocol or "tcp").upper())
