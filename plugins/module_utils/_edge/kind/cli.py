# Copyright: kindlab.volumes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The kind program: makes and removes clusters, and says how they are reached."""

from __future__ import annotations

import re
from collections.abc import Mapping

from ansible_collections.kindlab.volumes.plugins.module_utils._core.errors import BadInput, CommandFailed
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.command import Runner

# nerdctl as an engine, and the configuration as it is written here, are there since this version.
MINIMUM = (0, 23)
KNOWN_GOOD = "v0.32.0"
_INSTALL = (
    "The role kindlab.volumes.engine installs it, or: go install sigs.k8s.io/kind@"
    f"{KNOWN_GOOD} (then put Go's bin directory on PATH)."
)

# What kind says -> the next step.
_EXPLAINED = (
    (
        r"failed to pull image|pull access denied|manifest unknown",
        "The role kindlab.volumes.node_image brings the node "
        "image, from an archive or built here where no registry answers; then name it as image.",
    ),
    (
        r"port is already allocated|address already in use",
        "Another program or cluster has that port of the host: stop it, or change host_port.",
    ),
    (
        r"too many open files|inotify",
        "Raise the limits: sysctl fs.inotify.max_user_watches=524288 fs.inotify.max_user_instances=512",
    ),
    (
        r"did not receive an exit event",
        "A process of that container may be frozen, where runc was killed on a busy host: write THAWED into each "
        "freezer.state that says FROZEN below the container's directory in /sys/fs/cgroup/freezer.",
    ),
    (r"no space left on device", "Free space where the engine keeps its data, e.g. docker system prune"),
    (r"node\(s\) already exist", "Another run has begun to create it: wait for its end, then run this again."),
    (r"failed to lock config file", "An interrupted kind has left its lock: remove the kubeconfig's .lock file."),
    (
        r"unknown field|field \S+ not found|unable to decode config",
        f"This kind does not know a field of the configuration: install kind {KNOWN_GOOD}.",
    ),
)
_OTHERWISE = (
    "Run it again with retain_on_failure: true, and look into the nodes: kind export logs --name NAME DIRECTORY"
)
_TRY_AGAIN = "Run this again; what is left of it, the engine shows: docker ps --all"


class Kind:
    """kind on this host, with the engine that it is to use."""

    def __init__(self, runner: Runner, engine: str, program: str = "kind") -> None:
        self.runner = runner
        self.program = program
        self.env = {"KIND_EXPERIMENTAL_PROVIDER": engine}

    def version(self) -> str:
        """kind's version, e.g. 0.32.0. Raises BadInput where kind is missing or older than what is needed."""
        try:
            said = self.runner.run([self.program, "version"], env=self.env).out
        except CommandFailed as error:
            raise BadInput(error.message, tried="kind version", next_step=_INSTALL) from None
        found = re.search(r"\bv?((\d+)\.(\d+)\.\S+)", said)
        if found is None:
            raise BadInput(f"kind does not say its version: {said.strip()[:80]}", next_step=_INSTALL)
        if (int(found[2]), int(found[3])) < MINIMUM:
            needed = ".".join(map(str, MINIMUM))
            raise BadInput(f"kind {found[1]} is too old, {needed} or later is needed.", next_step=_INSTALL)
        return found[1]

    def create(self, name: str, config: str, kubeconfig: str, *, retain: bool) -> None:
        """Create a cluster, without waiting for its nodes. Where this fails, nothing is left, unless retain."""
        argv = [self.program, "create", "cluster", "--name", name, "--kubeconfig", kubeconfig, "--config", "-"]
        try:
            self.runner.run([*argv, *(["--retain"] if retain else [])], stdin=config, env=self.env)
        except CommandFailed as error:
            raise _explained(f"kind could not create the cluster {name}", error, {"config": config}) from None

    def at_work(self, name: str) -> bool:
        """True while a kind is creating this cluster, also one whose caller was killed; false where nothing says so."""
        try:
            processes = self.runner.run(["pgrep", "-ax", "kind"], check=False).out.splitlines()
        except CommandFailed:
            return False
        return any(f" create cluster --name {name} " in f"{process} " for process in processes)

    def delete(self, name: str, kubeconfig: str) -> None:
        """Remove the cluster's nodes, where there are any, and its entries in that kubeconfig.

        A busy engine may fail to see a container's end in time; then it is asked once more.
        """
        argv = [self.program, "delete", "cluster", "--name", name, "--kubeconfig", kubeconfig]
        if self.runner.run(argv, check=False, env=self.env).code == 0:
            return
        try:
            self.runner.run(argv, env=self.env)
        except CommandFailed as error:
            raise _explained(f"kind could not remove the cluster {name}", error, otherwise=_TRY_AGAIN) from None

    def export(self, name: str, kubeconfig: str) -> None:
        """Write the cluster's entries into a kubeconfig, and make it the current context there."""
        self.runner.run(
            [self.program, "export", "kubeconfig", "--name", name, "--kubeconfig", kubeconfig], env=self.env
        )

    def kubeconfig(self, name: str) -> str | None:
        """The cluster's kubeconfig as text, None where it was never set up, or its control plane doesn't run."""
        done = self.runner.run([self.program, "get", "kubeconfig", "--name", name], check=False, env=self.env)
        return done.out if done.code == 0 else None


def _explained(
    what: str, error: CommandFailed, details: Mapping[str, str] | None = None, otherwise: str = _OTHERWISE
) -> CommandFailed:
    said = "\n".join(line for line in error.message.splitlines() if "due to KIND_EXPERIMENTAL_PROVIDER" not in line)
    return CommandFailed(f"{what}: {said}", tried=error.tried, next_step=next_step(said, otherwise), details=details)


def next_step(said: str, otherwise: str = _OTHERWISE) -> str:
    """What to do about what kind said."""
    return next((step for pattern, step in _EXPLAINED if re.search(pattern, said, re.IGNORECASE)), otherwise)
