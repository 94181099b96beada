# Copyright: kindlab.volumes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The kind CLI: create and delete clusters, and export their kubeconfigs."""

from __future__ import annotations

import mmap
import re
import shlex
import shutil

from ansible_collections.kindlab.volumes.plugins.module_utils._core.engines import kind_command
from ansible_collections.kindlab.volumes.plugins.module_utils._core.errors import BadInput, CommandFailed
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kind.host.failure import explain
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.activity import REPORTER
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.command import LONG_SECONDS, Completed, Runner
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.engine import STATE_SECONDS
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.kind.host.freezer import thaw

# The first version that supports nerdctl and the configuration that is written here.
MINIMUM = (0, 23)
KNOWN_GOOD = "v0.32.0"
_INSTALL = (
    "The role kindlab.volumes.engine installs it, or: go install sigs.k8s.io/kind@"
    f"{KNOWN_GOOD} (then put Go's bin directory on PATH)."
)

_CLEANED_UP = "Run this again. Leftover containers: {engine} ps --all"
# kind's own default, as it is written in the program.
# A deletion that has to thaw something may be ended by another runc that is killed.
ATTEMPTS = 4
# Of docker and podman: what they killed is still there.
_UNENDED = re.compile(r"did not receive an exit event|did not die within timeout")
_DEFAULT_IMAGE = re.compile(rb"kindest/node:v[\w.+-]+@sha256:[0-9a-f]{64}")


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

    def default_image(self) -> str:
        """The node image that kind uses if none is given, '' if that cannot be read from the program."""
        path = shutil.which(self.program)
        try:
            with open(path or "", "rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
                found = _DEFAULT_IMAGE.search(content)
                return found[0].decode() if found else ""
        except (OSError, ValueError):
            return ""

    def create(self, name: str, config: str, kubeconfig: str) -> Completed:
        """Create a cluster, without waiting for its nodes; if this fails its nodes stay. Raises TimedOut."""
        argv = [self.program, "create", "cluster", "--name", name, "--kubeconfig", kubeconfig, "--config", "-"]
        with REPORTER.waiting(lambda: "kind to create the nodes"):
            return self.runner.run([*argv, "--retain"], stdin=config, check=False, env=self.env, timeout=LONG_SECONDS)

    def unreadable(self, config: str) -> str:
        """Why kind cannot read a configuration, '' if it can. No cluster can have this name: nothing is created."""
        argv = [self.program, "create", "cluster", "--name", "_", "--config", "-"]
        done = self.runner.run(argv, stdin=config, check=False, env=self.env, timeout=STATE_SECONDS)
        _before, found, why = " ".join((done.err or done.out).split()).partition("unable to decode config: ")
        return re.sub(r"(yaml: |unmarshal errors: |line \d+: )", "", why) if found else ""

    def is_creating(self, name: str) -> bool:
        """True while a kind process is creating this cluster, even if its caller was killed. False without pgrep."""
        try:
            processes = self.runner.run(["pgrep", "-ax", "kind"], check=False).out.splitlines()
        except CommandFailed:
            return False
        return any(f" create cluster --name {name} " in f"{process} " for process in processes)

    def delete(self, name: str, kubeconfig: str) -> None:
        """Remove the cluster's nodes, if any, and its entries in that kubeconfig. Raises CommandFailed, TimedOut.

        A busy engine may miss the exit of a container: a failed deletion is tried once more. A container that does
        not end may hold processes that are frozen: they are thawed first.
        """
        argv = [self.program, "delete", "cluster", "--name", name, "--kubeconfig", kubeconfig]
        for attempt in range(ATTEMPTS):
            with REPORTER.waiting(lambda: "kind to delete the nodes"):
                done = self.runner.run(argv, check=False, env=self.env, timeout=STATE_SECONDS)
            if done.code == 0:
                return
            thawed = bool(_UNENDED.search(done.err or done.out)) and thaw(self.runner, self.engine, name)
            if attempt and not thawed:
                break
        why = explain(done.err or done.out, {}, self.engine, kubeconfig)
        raise CommandFailed(
            f"kind could not delete cluster {name}: {why.message}",
            tried=shlex.join(argv),
            next_step=why.next_step or _CLEANED_UP.format(engine=self.engine),
        )

    def export(self, name: str, kubeconfig: str) -> None:
        """Write the cluster's entries to a kubeconfig, and make it the current context there."""
        argv = [self.program, "export", "kubeconfig", "--name", name, "--kubeconfig", kubeconfig]
        done = self.runner.run(argv, check=False, env=self.env)
        if done.code != 0:
            why = explain(done.err or done.out, {}, self.engine, kubeconfig)
            raise CommandFailed(
                f"kind could not write the kubeconfig {kubeconfig} of cluster {name}: {why.message}",
                tried=shlex.join(argv),
                next_step=why.next_step or "Check that the file can be written, and that the control plane runs.",
            )

    def kubeconfig(self, name: str) -> str | None:
        """The cluster's kubeconfig as text, None if kubeadm never ran or its control plane is not running."""
        done = self.runner.run([self.program, "get", "kubeconfig", "--name", name], check=False, env=self.env)
        return done.out if done.code == 0 else None
