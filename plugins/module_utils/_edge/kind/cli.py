# Copyright: kindlab.volumes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The kind CLI: create and delete clusters, and export their kubeconfigs."""

from __future__ import annotations

import re

from ansible_collections.kindlab.volumes.plugins.module_utils._core.engines import kind_command
from ansible_collections.kindlab.volumes.plugins.module_utils._core.errors import BadInput, CommandFailed
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.command import Runner

# The first version that supports nerdctl and the configuration that is written here.
MINIMUM = (0, 23)
KNOWN_GOOD = "v0.32.0"
_INSTALL = (
    "The role kindlab.volumes.engine installs it, or: go install sigs.k8s.io/kind@"
    f"{KNOWN_GOOD} (then put Go's bin directory on PATH)."
)

# Pattern of an error message of kind -> the next step; {engine} and {logs} are replaced.
_EXPLAINED = {
    r"failed to pull image|pull access denied|manifest unknown": (
        "The role kindlab.volumes.node_image provides a node image, from an archive or built on this host if no "
        "registry is reachable; set image to it."
    ),
    r"port is already allocated|address already in use": (
        "Another program or cluster uses that host port: stop it, or change host_port."
    ),
    r"too many open files|inotify": (
        "Raise the limits: sysctl fs.inotify.max_user_watches=524288 fs.inotify.max_user_instances=1024"
    ),
    r"did not receive an exit event": (
        "A process of that container may be frozen because runc was killed on a busy host: write THAWED into each "
        "freezer.state that contains FROZEN below the container's directory in /sys/fs/cgroup/freezer."
    ),
    r"no space left on device": "Free disk space of the engine, e.g.: {engine} system prune",
    r"node\(s\) already exist": "Another run is creating it: wait for it to end, then run this again.",
    r"failed to lock config file": "An interrupted kind process left a lock file: rm {kubeconfig}.lock",
    r"unknown field|field \S+ not found|unable to decode config": (
        f"This version of kind does not support the configuration: install kind {KNOWN_GOOD}."
    ),
}
_OTHERWISE = "Run this again with retain_on_failure=true, then: {logs}"
_TRY_AGAIN = "Run this again. Leftover containers: {engine} ps --all"


class Kind:
    """kind on this host, with the engine that it uses."""

    def __init__(self, runner: Runner, engine: str, program: str = "kind") -> None:
        self.runner = runner
        self.program = program
        self.engine = engine
        self.env = {"KIND_EXPERIMENTAL_PROVIDER": engine}

    def command(self, arguments: str) -> str:
        """A command to paste."""
        return kind_command(self.engine, arguments)

    def version(self) -> str:
        """kind's version, e.g. 0.32.0. Raises BadInput if kind is missing or too old."""
        try:
            output = self.runner.run([self.program, "version"], env=self.env).out
        except CommandFailed as error:
            raise BadInput(error.message, tried="kind version", next_step=_INSTALL) from None
        match = re.search(r"\bv?((\d+)\.(\d+)\.\S+)", output)
        if match is None:
            raise BadInput(f"The output of kind contains no version: {output.strip()[:80]}", next_step=_INSTALL)
        if (int(match[2]), int(match[3])) < MINIMUM:
            raise BadInput(
                f"kind {match[1]} is too old, {'.'.join(map(str, MINIMUM))} or later is required.", next_step=_INSTALL
            )
        return match[1]

    def create(self, name: str, config: str, kubeconfig: str, *, retain: bool) -> None:
        """Create a cluster, without waiting for its nodes. If this fails kind removes the nodes, unless retain."""
        argv = [self.program, "create", "cluster", "--name", name, "--kubeconfig", kubeconfig, "--config", "-"]
        try:
            self.runner.run([*argv, *(["--retain"] if retain else [])], stdin=config, env=self.env)
        except CommandFailed as error:
            raise self._explained("create", name, error, config=config) from None

    def is_creating(self, name: str) -> bool:
        """True while a kind process is creating this cluster, even if its caller was killed. False without pgrep."""
        try:
            processes = self.runner.run(["pgrep", "-ax", "kind"], check=False).out.splitlines()
        except CommandFailed:
            return False
        return any(f" create cluster --name {name} " in f"{process} " for process in processes)

    def delete(self, name: str, kubeconfig: str) -> None:
        """Remove the cluster's nodes, if any, and its entries in that kubeconfig.

        A busy engine may miss the exit of a container: a failed deletion is tried once more.
        """
        argv = [self.program, "delete", "cluster", "--name", name, "--kubeconfig", kubeconfig]
        if self.runner.run(argv, check=False, env=self.env).code == 0:
            return
        try:
            self.runner.run(argv, env=self.env)
        except CommandFailed as error:
            raise self._explained("delete", name, error, _TRY_AGAIN) from None

    def export(self, name: str, kubeconfig: str) -> None:
        """Write the cluster's entries to a kubeconfig, and make it the current context there."""
        argv = [self.program, "export", "kubeconfig", "--name", name, "--kubeconfig", kubeconfig]
        self.runner.run(argv, env=self.env)

    def kubeconfig(self, name: str) -> str | None:
        """The cluster's kubeconfig as text, None if kubeadm never ran or its control plane is not running."""
        done = self.runner.run([self.program, "get", "kubeconfig", "--name", name], check=False, env=self.env)
        return done.out if done.code == 0 else None

    def _explained(
        self, verb: str, name: str, error: CommandFailed, step: str = _OTHERWISE, **details: str
    ) -> CommandFailed:
        lines = (line for line in error.message.splitlines() if "due to KIND_EXPERIMENTAL_PROVIDER" not in line)
        message = "\n".join(lines)
        logs = self.command(f"export logs --name {name}")
        kubeconfig = re.search(r" --kubeconfig (\S+)", error.tried)
        step = next_step(message, step).replace("{engine}", self.engine).replace("{logs}", logs)
        step = step.replace("{kubeconfig}", kubeconfig[1] if kubeconfig else "~/.kube/config")
        message = f"kind could not {verb} cluster {name}: {message}"
        return CommandFailed(message, tried=error.tried, next_step=step, details=details or None)


def next_step(message: str, otherwise: str = _OTHERWISE) -> str:
    """What to do about an error message of kind."""
    return next((step for pattern, step in _EXPLAINED.items() if re.search(pattern, message, re.IGNORECASE)), otherwise)
