"""Helpers that run, kill and compare; comparisons do not use the collection."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import re
import shlex
import signal
import stat
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
BUILD = ROOT / ".build"
SCRATCH = BUILD / "faults"
BIN = Path(sys.executable).parent
NAME = "it-faults"
VOLUMES, BACKUP, KUBECONFIG = SCRATCH / "volumes", SCRATCH / "backup", SCRATCH / "kubeconfig"
JOURNAL = BACKUP / "recreate.jsonl"

Row = dict[str, Any]


@dataclass(frozen=True)
class Ended:
    """A finished program with its output."""

    code: int
    output: str
    seconds: float

    @property
    def reason(self) -> str:
        """The class of the error that a module of the collection reported, '' for none."""
        found = re.findall(r'"?\breason"?: "?(\w+)', self.flat)
        return found[-1] if found else ""

    @property
    def flat(self) -> str:
        """The output on one line, since Ansible wraps messages anywhere."""
        return " ".join(self.output.split())


def row(point: str, found: str, ok: bool, result: str = "") -> Row:
    """A row of the table, printed immediately."""
    shown = {"point": point, "found": found, "result": result or ("nothing lost" if ok else "FAILED"), "ok": ok}
    print(f"{'ok  ' if ok else 'FAIL'} {point}: {found} -> {shown['result']}", flush=True)
    return shown


def note(text: str) -> None:
    """Print a line of progress."""
    print(f"    {text}", flush=True)


def start(argv: list[str | Path], log: Path, **environment: str) -> subprocess.Popen[bytes]:
    """Start a program in a new session, with its output in a file."""
    with log.open("wb") as sink:
        return subprocess.Popen(
            [str(word) for word in argv],
            stdin=subprocess.DEVNULL,
            stdout=sink,
            stderr=subprocess.STDOUT,
            env={**os.environ, **environment},
            start_new_session=True,
        )


def run(argv: list[str | Path], *, check: bool = True, **environment: str) -> Ended:
    """Run a program and wait for it; with check, exit if it fails."""
    SCRATCH.mkdir(parents=True, exist_ok=True)
    log, begun = SCRATCH / "output", time.monotonic()
    code = start(argv, log, **environment).wait()
    ended = Ended(code, log.read_text(errors="replace"), time.monotonic() - begun)
    if check and code:
        sys.exit(f"{ended.output[-4000:]}\nfailed: {shlex.join(map(str, argv))}")
    return ended


def kubectl(*words: str, stdin: str = "", check: bool = True) -> str:
    """The output of kubectl in the first node."""
    argv = ["docker", "exec", "-i", f"{NAME}-control-plane", "kubectl", "--kubeconfig", "/etc/kubernetes/admin.conf"]
    done = subprocess.run([*argv, *words], input=stdin, capture_output=True, text=True, check=False)
    if check and done.returncode:
        sys.exit(f"{done.stderr}\nfailed: kubectl {shlex.join(words)}")
    return done.stdout


def objects(kind: str) -> list[dict[str, Any]]:
    """All objects of a kind."""
    return list(json.loads(kubectl("get", kind, "-A", "-o", "json"))["items"])


def recreation(**options: object) -> list[str | Path]:
    """The command that recreates the cluster."""
    given = {
        "kindlab_cluster": NAME,
        "kindlab_backup_path": str(BACKUP),
        "recreate_kubeconfig": str(KUBECONFIG),
        **options,
    }
    return [BIN / "ansible-playbook", "kindlab.volumes.recreate", "--extra-vars", json.dumps(given)]


def module(name: str, check: bool = False, **options: object) -> Ended:
    """One task with a module of the collection."""
    given = {"cluster": NAME, "kubeconfig": str(KUBECONFIG), **options}
    book = SCRATCH / "play.yml"
    book.write_text(
        json.dumps([{"hosts": "localhost", "gather_facts": False, "tasks": [{f"kindlab.volumes.{name}": given}]}])
    )
    return run([BIN / "ansible-playbook", book, *(["--check"] if check else [])], check=False)


def play(*tasks: dict[str, object], **variables: object) -> Ended:
    """A play that must succeed."""
    book = SCRATCH / "play.yml"
    book.write_text(
        json.dumps([{"hosts": "localhost", "gather_facts": False, "vars": variables, "tasks": list(tasks)}])
    )
    return run([BIN / "ansible-playbook", book])


def role(name: str, **variables: object) -> dict[str, object]:
    """A task that runs a role of the collection."""
    return {"ansible.builtin.include_role": {"name": f"kindlab.volumes.{name}"}, "vars": variables}


def kill(process: subprocess.Popen[bytes]) -> None:
    """Send SIGKILL to the process group of a program and to all of its descendants."""
    victims = descendants(process.pid)
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    for victim in victims:
        with contextlib.suppress(ProcessLookupError):
            os.kill(victim, signal.SIGKILL)
    process.wait()


def descendants(root: int) -> list[int]:
    """A process and all of its descendants."""
    parents = {}
    for status in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            parents[int(status.parent.name)] = int(status.read_text().rpartition(")")[2].split()[1])
    found = [root]
    for process in found:
        found += [child for child, parent in parents.items() if parent == process]
    return found


def until(what: str, ready: Callable[[], bool], seconds: float = 120, pause: float = 0.2) -> None:
    """Wait until it is ready; exit after the given number of seconds."""
    end = time.monotonic() + seconds
    while not ready():
        if time.monotonic() > end:
            sys.exit(f"Timed out after {seconds:g} s: {what}")
        time.sleep(pause)


def steps() -> list[str]:
    """The journal entries of all runs."""
    if not JOURNAL.exists():
        return []
    return [json.loads(line)["step"] for line in JOURNAL.read_text().splitlines() if line.startswith("{")]


def content(directory: Path) -> dict[str, str]:
    """Path -> type, owner, mode, links, extended attributes and sha256 of the content, without times."""
    found: dict[str, str] = {}
    for path in sorted(directory.rglob("*")):
        status = path.lstat()
        parts = [oct(status.st_mode), f"{status.st_uid}:{status.st_gid}"]
        if stat.S_ISLNK(status.st_mode):
            parts.append(os.readlink(path))
        elif stat.S_ISREG(status.st_mode):
            with path.open("rb") as file:
                parts += [str(status.st_nlink), hashlib.file_digest(file, "sha256").hexdigest()]
        names = os.listxattr(path, follow_symlinks=False)
        parts += [f"{name}={os.getxattr(path, name, follow_symlinks=False)!r}" for name in sorted(names)]
        found[str(path.relative_to(directory))] = " ".join(parts)
    return found


def differences(before: Mapping[str, str], after: Mapping[str, str]) -> list[str]:
    """Paths that differ."""
    return sorted(path for path in {*before, *after} if before.get(path) != after.get(path))
