# Copyright: kindlab.volumes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Why kind failed: the cause and its next step, from the output of kind and from the journals of the nodes."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from .preflight import RAISE_LIMITS


@dataclass(frozen=True)
class Cause:
    """A known cause. next_step: {engine} and {kubeconfig} are replaced.

    in_nodes: whether it is looked for in the journals of nodes as well.
    """

    pattern: str
    text: str
    next_step: str
    in_nodes: bool = False


# The first that is found is told: a limit makes other things fail, e.g. the API server of a kubelet that cannot start.
_CAUSES = (
    Cause(
        r"too many open files|failed to create fsnotify watcher|inotify.*(limit|fail|error)",
        "the limit of inotify instances or watches is reached",
        RAISE_LIMITS,
        in_nodes=True,
    ),
    Cause(
        r"no space left on device|disk quota exceeded",
        "the disk is full",
        "Free disk space of the engine, e.g.: {engine} system prune",
        in_nodes=True,
    ),
    Cause(
        r"configured to not run on a host using cgroup v1|requires cgroup v2|cgroup controllers?.*(missing|not found)",
        "the control groups of this host do not suit this version of Kubernetes",
        "For Kubernetes 1.35 or later on cgroup v1, add to kubeadm_patches: "
        "{{kind: KubeletConfiguration, failCgroupV1: false}}",
        in_nodes=True,
    ),
    Cause(
        r"port is already allocated|address already in use|failed to bind host port",
        "a port of this host is in use",
        "Another program or cluster uses that host port: stop it, or change host_port.",
    ),
    Cause(
        r"failed to pull image|pull access denied|manifest unknown|no such image",
        "a node image is missing",
        "The role kindlab.volumes.node_image provides a node image, from an archive or built on this host if no "
        "registry is reachable; set image to it.",
    ),
    Cause(
        r"exec format error|executable file not found",
        "the image is not a node image of kind for this host",
        "Set image to a node image, for example the one of the role kindlab.volumes.node_image.",
    ),
    Cause(
        r"could not find a log line that matches",
        "a node did not start within the 30 seconds that kind waits for its systemd",
        "Run this again when the host is less busy. If that does not help, set image to a node image for this host, "
        "for example the one of the role kindlab.volumes.node_image.",
    ),
    Cause(
        r"out of memory: killed|cannot allocate memory|OOMKilled",
        "the memory is full",
        "Stop other programs or clusters, or create fewer nodes.",
        in_nodes=True,
    ),
    Cause(
        r"did not receive an exit event",
        "a container does not end",
        "A process of that container may be frozen, because runc was killed on a busy host. Thaw it, and run this "
        "again: sudo find /sys/fs/cgroup/freezer -mindepth 4 -name freezer.state -exec sh -c 'echo THAWED > \"$1\"' sh "
        "{{}} ';'",
    ),
    Cause(
        r"node\(s\) already exist|is already in use by container|name .* is already in use",
        "its nodes exist already",
        "Another run is creating it: wait for it to end, then run this again.",
    ),
    Cause(
        r"failed to lock config file",
        "a kubeconfig is locked",
        "An interrupted kind process left a lock file: rm {kubeconfig}.lock",
    ),
    Cause(
        r"unknown field|field \S+ not found|unable to decode config",
        "this version of kind does not support the configuration",
        "Install kind v0.32.0 or later: the role kindlab.volumes.engine does.",
    ),
)
EXISTING = next(cause for cause in _CAUSES if cause.text == "its nodes exist already")

_KIND_ERROR = re.compile(r"ERROR: (?:failed to \w+ cluster: )?")
_COMMAND = re.compile(r'command "(\S+ [^"]{0,60})[^"]*" failed with error: ')
# What ended a component: kubelet by klog, static pods by the log of their container, kubeadm's checks.
_FATAL = r"stderr F (Error: |panic: |F\d{4} )|\"command failed\"|failed to run Kubelet|^\s*\[ERROR "
_CONTAINER_LOG = re.compile(r"^\S+ stderr F ")
LINE_MAX = 300


@dataclass(frozen=True)
class Explanation:
    """message: cause, and first errors, '' if there are none; next_step: '' if no cause is known."""

    message: str
    next_step: str = ""


def explain(output: str, journals: Mapping[str, str], engine: str, kubeconfig: str) -> Explanation:
    """Why kind failed. output: of kind; journals: of each node and its pods; kubeconfig: that it wrote."""
    said = first_error(output) if output else ""
    for cause in _CAUSES:
        for where, text in (*(journals.items() if cause.in_nodes else ()), ("", output)):
            line = _found(cause.pattern, text.splitlines())
            if line:
                evidence = f"{where}: {line}" if where else line
                told = dict.fromkeys(filter(None, (f"{cause.text}: {evidence}", said if said not in evidence else "")))
                return Explanation("\n".join(told), cause.next_step.format(engine=engine, kubeconfig=kubeconfig))
    lines = {node: _found(_FATAL, text.splitlines()) for node, text in journals.items()}
    return Explanation("\n".join(filter(None, [said, *(f"{node}: {line}" for node, line in lines.items() if line)])))


def first_error(output: str) -> str:
    """The first error that kind tells, without the stack traces that follow it."""
    lines = [line.strip() for line in output.splitlines() if "due to KIND_EXPERIMENTAL_PROVIDER" not in line]
    errors = [line for line in lines if _KIND_ERROR.match(line)]
    first = errors[0] if errors else next((line for line in reversed(lines) if line), "without an error message")
    return _short(_COMMAND.sub(r"\1 ... failed: ", _KIND_ERROR.sub("", first, count=1)))


def _found(pattern: str, lines: Iterable[str]) -> str:
    """The first line with an error of this pattern."""
    known = re.compile(pattern, re.IGNORECASE)
    return next((_short(_CONTAINER_LOG.sub("", line.strip())) for line in lines if known.search(line)), "")


def _short(line: str) -> str:
    return f"{line[:LINE_MAX]}..." if len(line) > LINE_MAX else line
