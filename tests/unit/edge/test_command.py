"""Commands on this host: their environment, their bounds, and their errors."""

from __future__ import annotations

import ast
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from ansible_collections.kindlab.volumes.plugins.module_utils._core.clock import Deadline
from ansible_collections.kindlab.volumes.plugins.module_utils._core.errors import CommandFailed, TimedOut
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.command import (
    BoundRunner,
    NodeRunner,
    Runner,
    environment,
)

PLUGINS = Path(__file__).resolve().parents[3] / "plugins"
DROPPED = (
    "TAR_OPTIONS",
    "GZIP",
    "ZSTD_CLEVEL",
    "ZSTD_NBTHREADS",
    "XZ_OPT",
    "XZ_DEFAULTS",
    "POSIXLY_CORRECT",
    "GREP_OPTIONS",
    "BLOCKSIZE",
    "TIME_STYLE",
    "LC_MESSAGES",
    "LANGUAGE",
    "KUBECONFIG",
    "BASH_ENV",
    "PYTHONPATH",
)
KEPT = (
    "PATH",
    "HOME",
    "DOCKER_HOST",
    "DOCKER_CONFIG",
    "CONTAINER_HOST",
    "CONTAINERS_CONF",
    "CONTAINERD_ADDRESS",
    "XDG_RUNTIME_DIR",
    "KIND_EXPERIMENTAL_DOCKER_NETWORK",
    "HTTPS_PROXY",
    "no_proxy",
    "SSH_AUTH_SOCK",
)


def test_programs_get_an_environment_of_ours(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in (*DROPPED, *KEPT[2:], "LANG"):
        monkeypatch.setenv(name, "--odd")
    found = environment({"OWN": "1"})
    assert not set(DROPPED) & found.keys() and set(KEPT) <= found.keys()
    assert found["LANG"] == found["LC_ALL"] == "C.UTF-8" and found["OWN"] == "1"
    printed = dict(line.partition("=")[::2] for line in Runner().run(["env"]).out.splitlines())
    assert not set(DROPPED) & printed.keys() and printed["DOCKER_HOST"] == "--odd"


def test_a_command_that_hangs_ends_with_its_name() -> None:
    begun = time.monotonic()
    with pytest.raises(TimedOut, match=r"sleep did not finish within 0\.2 seconds") as raised:
        Runner().run(["sleep", "60"], timeout=0.2)
    assert raised.value.tried == "sleep 60" and time.monotonic() - begun < 30


def test_a_deadline_bounds_every_command_also_inside_nodes() -> None:
    begun = time.monotonic()
    runner = BoundRunner(Runner(), Deadline(0.1))
    # The engine's words, as a program of this host.
    inside = NodeRunner("env", "A=1", runner)
    inside.prefix = ("env", "A=1")
    for bound in (runner, inside):
        with pytest.raises(TimedOut, match="did not finish"):
            bound.run(["sleep", "60"], timeout=50)
    assert time.monotonic() - begun < 30
    assert BoundRunner(Runner(), Deadline(-1)).run(["echo", "x"]).out == "x\n"
    assert BoundRunner(Runner(), Deadline(-1), 30).run(["sleep", "1.1"]).code == 0


@pytest.mark.parametrize(
    ("argv", "said"),
    [
        (["no-such-program"], "is not on this host"),
        (["/"], "not allowed to run"),
        (["echo", "a\0b"], "cannot be run"),
        (["echo", "a" * (1 << 20)], "cannot be run"),
        (["false"], "false failed: exit code 1"),
    ],
)
def test_errors(argv: list[str], said: str) -> None:
    with pytest.raises(CommandFailed, match=said):
        Runner().run(argv)


def calls(path: Path) -> Iterator[ast.Call]:
    """The calls that start a program."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Call) and ast.unparse(node.func) in ("subprocess.run", "subprocess.Popen"):
            yield node


@pytest.mark.parametrize("path", sorted(PLUGINS.rglob("*.py")), ids=lambda path: str(path.relative_to(PLUGINS)))
def test_every_program_gets_it(path: Path) -> None:
    assert [call.lineno for call in calls(path) if "env" not in {keyword.arg for keyword in call.keywords}] == []
