"""The probe, of processes of this host that have mounts and a /proc of their own, as those of a node do."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path

import pytest

from ansible_collections.kindlab.volumes.plugins.module_utils._core.errors import CommandFailed
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.command import Completed, Runner
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.detach import node_processes

PRIVATE = ["unshare", "--mount", "--pid", "--fork", "--mount-proc", "--kill-child"]
WAIT = "echo ready; read _"
PYTHON = "import os, sys; path = sys.argv[1]; {}; os.closerange(3, 256); print('ready', flush=True); input()"
ODD = "a b\nü\\040 (deleted)"


def permitted() -> bool:
    programs = all(shutil.which(program) for program in ("unshare", "nsenter", "setpriv"))
    return programs and os.geteuid() == 0 and subprocess.run([*PRIVATE, "true"], check=False).returncode == 0


class Node(Runner):
    """A node; its init, sh, is process 1. top: a directory with a volume called ODD."""

    def __init__(self, top: Path, stack: ExitStack) -> None:
        self.top = top
        self.volume = top / ODD
        self.volume.mkdir()
        (self.volume / "file").write_text("content")
        self.stack = stack
        self.enter: list[str] = []
        self.init = self._start([*PRIVATE, "sh", "-c", WAIT])
        spaces = f"/proc/{self.init.pid}/ns"
        self.enter = ["nsenter", f"--mount={spaces}/mnt", f"--pid={spaces}/pid_for_children", "--"]

    def argv(self, argv: Sequence[str]) -> list[str]:
        return [*self.enter, *argv]

    def sh(self, script: str, *words: object, under: Sequence[str] = ()) -> subprocess.Popen[bytes]:
        """A shell that has done the script and waits."""
        return self._start(self.argv([*under, "sh", "-c", f"{script}; {WAIT}", "sh", *map(str, words)]))

    def python(self, program: str, path: object, under: Sequence[str] = ()) -> None:
        self._start(self.argv([*under, sys.executable, "-c", PYTHON.format(program), str(path)]))

    def _start(self, argv: Sequence[str]) -> subprocess.Popen[bytes]:
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
        started = self.stack.enter_context(subprocess.Popen(argv, **pipes))
        assert started.stdout is not None
        assert started.stdout.readline() == b"ready\n"
        return started

    def all(self, directories: Mapping[str, Path], own: Sequence[Path] = ()) -> dict[str, list[str]]:
        """Volume -> its users as 'NAME WHY', where DIR is the volume's directory."""
        named = {name: str(path) for name, path in directories.items()}
        found = node_processes.probe(self, "n", named, ["/", *map(str, own)])
        shown = ODD.replace("\n", "\\n")
        return {
            name: [f"{user.process} {user.why}".replace(f"{self.top}/{shown}", "DIR") for user in users]
            for name, users in found.items()
        }

    def of(self, directory: Path | None = None, own: Sequence[Path] = ()) -> list[str]:
        return self.all({"v": directory or self.volume}, own)["v"]


@pytest.fixture
def node(tmp_path: Path) -> Iterator[Node]:
    if not permitted():
        pytest.skip("only root can make namespaces")
    with ExitStack() as stack:
        made = Node(tmp_path.resolve(), stack)
        yield made
        made.init.kill()


def test_a_directory_without_users(node: Node) -> None:
    node.sh('cd "$1"', node.top)
    assert node.all({"v": node.volume, "missing": node.top / "missing" / "x"}) == {"v": [], "missing": []}


@pytest.mark.parametrize(
    "script, found",
    [
        ('cd "$1"', "is in DIR"),
        ('mkdir "$1/sub"; cd "$1/sub"; rmdir "$1/sub"', "is in DIR/sub (deleted)"),
        ('exec 3<"$1/file"', "has open DIR/file"),
        ('exec 3>"$1/f g\n"', "has open DIR/f g\\n"),
        ('exec 3<"$1/file"; rm "$1/file"', "has open DIR/file (deleted)"),
        ('exec 3<"$1/file"; rm -r "$1"', "has open DIR/file (deleted)"),
        ('cd "$1"; rmdir "$1" || rm -r "$1"; mkdir "$1"', "is in DIR (deleted)"),
    ],
)
def test_what_a_shell_does(node: Node, script: str, found: str) -> None:
    shell = node.sh(script, node.volume)
    assert node.of() == [f"sh {found}"]
    shell.communicate(b"\n")
    assert node.of() == []


def test_names_that_are_no_text(node: Node) -> None:
    node.sh(r'exec 3>"$1/$(printf "\377")"; printf "\374: \nx" >/proc/$$/comm', node.volume)
    assert node.of() == [r"\udcfc: \nx has open DIR/\udcff"]


def test_a_program_that_runs(node: Node) -> None:
    shutil.copy("/bin/sh", node.volume / "prog")
    node._start(node.argv([str(node.volume / "prog"), "-c", WAIT]))
    assert node.of() == ["prog runs DIR/prog"]


@pytest.mark.parametrize(
    "program, found",
    [
        ("os.chroot(path)", "has its root in DIR"),
        ("import mmap; kept = mmap.mmap(os.open(path + '/file', os.O_RDONLY), 0, prot=1)", "has mapped DIR/file"),
    ],
)
def test_what_a_program_does(node: Node, program: str, found: str) -> None:
    node.python(program, node.volume)
    assert [text.partition(" ")[2] for text in node.of()] == [found]


def test_a_chroot_in_a_namespace_of_its_own(node: Node) -> None:
    """It shows no mounts at all."""
    (node.top / "jail").mkdir()
    node.python(f"os.chdir(path); os.chroot({str(node.top / 'jail')!r})", node.volume, ["unshare", "--mount"])
    assert [text.partition(" ")[2] for text in node.of()] == ["is in DIR"]


@pytest.mark.parametrize("below", ["", "/sub"])
def test_a_mount_in_another_namespace(node: Node, below: str) -> None:
    (node.volume / "sub").mkdir()
    (node.top / "else where").mkdir()
    script = 'mount --bind "$1" "$2"; cd "$2"'
    node.sh(script, f"{node.volume}{below}", node.top / "else where", under=["unshare", "--mount"])
    found = [f"sh has mounted {node.top}/else where", f"sh is in {node.top}/else where"]
    assert node.all({"what": node.volume, "where": node.top / "else where"}) == {"what": found, "where": found}


def test_a_mount_of_a_directory_that_is_gone(node: Node) -> None:
    (node.top / "point").mkdir()
    node.sh('mount --bind "$1" "$2"', node.volume, node.top / "point", under=["unshare", "--mount"])
    shutil.rmtree(node.volume)
    assert node.of() == [f"sh has mounted {node.top}/point"]


def test_mounts_in_the_node(node: Node) -> None:
    (node.volume / "sub").mkdir()
    (node.top / "link").symlink_to(node.volume)
    for source, point in ((node.volume / "sub", node.top / "point"), (node.top, node.volume / "sub")):
        point.mkdir(exist_ok=True)
        node.run(["mount", "--bind", str(source), str(point)])
    assert node.of(node.top / "link") == ["sh has mounted DIR/sub", f"sh has mounted {node.top}/point"]


def test_what_the_engine_has_mounted(node: Node) -> None:
    (node.top / "point").mkdir()
    (node.top / "link").symlink_to(node.top)
    node.run(["mount", "--bind", str(node.volume), str(node.top / "point")])
    node.sh(":", under=["unshare", "--mount"])
    found = {"v": node.top / "point", "w": node.volume}
    assert node.all(found, own=[node.top / "link" / "point"]) == {"v": [], "w": []}
    assert node.all(found) == {name: [f"sh has mounted {node.top}/point"] for name in found}
    node.sh('cd "$1"', node.top / "point")
    assert node.of(own=[node.top / "point"]) == [f"sh is in {node.top}/point"]


def test_the_probes_own_programs_do_not_count(node: Node) -> None:
    programs = Path("/bin/sh").resolve()
    assert node.of(programs.parent) == [f"sh runs {programs}"]
    assert node.of(Path("/etc")) == []


def test_a_thousand_directories(node: Node) -> None:
    """Their names are longer than what a program may be given."""
    node.sh('exec 3<"$1/file"', node.volume)
    directories = {str(n): node.top / f"{n} {'x' * 200}" / ("y" * 200) for n in range(1000)}
    found = node.all({**directories, "v": node.volume})
    assert len(found) == 1001
    assert {name: users for name, users in found.items() if users} == {"v": ["sh has open DIR/file"]}


def test_mounts_are_read_once_per_namespace(node: Node) -> None:
    node.sh(":")
    node.sh(":", under=["unshare", "--mount", "sh", "-c", '"$@"; :', "sh"])
    assert node_processes._output(node, "n", []).count("==> ") == 2


def test_a_path_that_leads_nowhere_has_no_users(node: Node) -> None:
    (node.top / "loop").symlink_to("loop")
    assert node.of(node.top / "loop" / "x") == []


def test_a_probe_of_an_empty_path_fails(node: Node) -> None:
    with pytest.raises(CommandFailed, match="of node n: realpath: ''") as caught:
        node_processes.probe(node, "n", {"v": ""}, ())
    assert "ls -l /proc/" in caught.value.tried


def test_a_probe_without_permissions_fails(node: Node) -> None:
    node.enter += ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"]
    with pytest.raises(CommandFailed, match="Permission denied"):
        node.of()


class Answers(Runner):
    """A node that gives these answers, one after another; the last one again and again."""

    def __init__(self, *answers: Completed) -> None:
        self.answers = list(answers)
        self.stdin: list[str | None] = []

    def run(
        self, argv: Sequence[str], *, stdin: str | None = None, check: bool = True, **_options: object
    ) -> Completed:  # type: ignore[override]
        assert (list(argv), check) == (["sh", "-c", node_processes.PROBE], False)
        self.stdin.append(stdin)
        return self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]


def answer(shown_by: int, err: str = "") -> Completed:
    """A node where processes 1 and 21 live, 20 has ended, and the latter's mounts were read from shown_by."""
    links = {1: "mnt:[1]", 9: "mnt:[1]", 21: "mnt:[2]"}
    pairs = [f"{p}/{k}\0{t}\0" for p, ns in links.items() for k, t in {"ns/mnt": ns, "root": "/", "exe": "/x"}.items()]
    tables = ((1, "1 0 8:1 / / rw - x"), (shown_by, "2 0 8:2 / / rw - x\n3 2 8:1 /v /data rw - x"))
    mounts = "\n".join(f"==> {pid}/mountinfo <==\n{lines}\n" for pid, lines in tables)
    names = "1/comm:init\n9/comm:sh\n21/comm:app\n"
    return Completed(0, f"9\0/\0/v\0\0{mounts}\0{''.join(pairs)}\0{names}\0end\0", err)


def test_the_probe_is_repeated_if_a_process_ended_before_its_mounts_were_read() -> None:
    node = Answers(answer(20), answer(20), answer(21))
    found = node_processes.probe(node, "n", {"v": "/v", "w": "/v"}, ("/", "/v"))
    assert [user.why for user in found["v"]] == ["has mounted /data"]
    assert found["w"] == found["v"]
    assert node.stdin == ["/\0/v\0"] * 3


def test_the_probe_is_not_repeated_for_ever() -> None:
    node = Answers(answer(20))
    with pytest.raises(CommandFailed, match="of node n"):
        node_processes.probe(node, "n", {"v": "/v"}, ["/"])
    assert len(node.stdin) == node_processes.TRIES


ENDED = (
    "find: '12/exe': No such file or directory\ngrep: 12/comm: No such process\n"
    "tail: cannot open '12/mountinfo' for reading: Invalid argument\nengine: Permission denied\n"
)


@pytest.mark.parametrize(
    "answered, why",
    [
        (answer(21, f"{ENDED}find: '1/root': Permission denied"), "find: '1/root': Permission denied$"),
        (answer(21, f"tail: error reading '1/mountinfo': Input/output error\n{ENDED}"), "Input/output error$"),
        (Completed(126, answer(21).out, "sh: find: Argument list too long"), "Argument list too long$"),
        (Completed(0, answer(21).out[:-1]), "Could not read all"),
    ],
)
def test_a_probe_that_failed(answered: Completed, why: str) -> None:
    with pytest.raises(CommandFailed) as caught:
        node_processes.probe(Answers(answered), "n", {"v": "/v"}, ["/"])
    caught.match(why)


def test_processes_that_ended_meanwhile_are_not_an_error() -> None:
    found = node_processes.probe(Answers(answer(21, ENDED)), "n", {"v": "/v"}, ["/"])
    assert [user.pid for user in found["v"]] == [21]
