"""Runs the named checks (lint, galaxy, sanity, unit, browser, integration, faults), and ends with a table of results.

With `pythons` first, each version of ansible-core is tested on each Python, and modules on all that they may run on.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from threading import Semaphore

from collection import CACHED, current, install
from environment import environment, of, use
from paths import BUILD, ROOT, say
from pythons import Cell, chosen, newest

EVERYWHERE = "pythons"
ALL = ("lint", "galaxy", "sanity", "unit", "browser", "integration", "faults")
CHROMIUM = "chromium"
LOGS = BUILD / "logs"
JOBS = 2


@dataclass(frozen=True)
class Part:
    """Commands of one line of the table. All of them run, also after one has failed."""

    name: str
    commands: tuple[tuple[str | Path, ...], ...]
    folder: Path = ROOT
    path: Path | None = None
    streams: bool = False

    @property
    def log(self) -> Path:
        return LOGS / f"{self.name.translate(str.maketrans(' /', '--'))}.log"

    def run(self, *, beside: bool = False) -> tuple[bool, float]:
        """Whether all commands succeeded, and the seconds they took; beside others, with what they leave."""
        start = time.monotonic()
        low = ("nice", "-n", "19") if beside else ()
        path = os.pathsep.join([*([str(self.path)] if self.path else []), os.environ["PATH"]])
        with self.log.open("w") as log:
            codes = [
                subprocess.call(
                    (*low, *command),
                    cwd=self.folder,
                    env={**os.environ, "PATH": path},
                    stdin=subprocess.DEVNULL,
                    stdout=None if self.streams else log,
                    stderr=None if self.streams else subprocess.STDOUT,
                )
                for command in self.commands
            ]
        return not any(codes), time.monotonic() - start

    def told(self, turns: Semaphore, *, beside: bool) -> tuple[bool, float]:
        """Run in a turn, and report at once."""
        with turns:
            good, seconds = self.run(beside=beside)
        self.report(good, seconds)
        return good, seconds

    def report(self, good: bool, seconds: float) -> None:
        """Print the result, with the output of the commands if they failed, else the summary of pytest."""
        output = self.log.read_text().rstrip()
        closing = [line for line in output.splitlines() if re.match(r"=+ .*\d+ passed", line)]
        say("\n".join([row(self.name, good, seconds), *(closing if good else [output])]))


def row(name: str, good: bool, seconds: float) -> str:
    return f"{name:16} {'passed' if good else 'FAILED'} {seconds:7.1f} s"


def lint(artifact: Path) -> Part:
    venv = environment("lint", newest().python) / "bin"
    sources = ("playbooks", "plugins", "tests", "tools")
    ours = "ansible_collections.kindlab.volumes"
    # Its ansible-lint would repeat the first command.
    importer = (
        "env",
        "-C",
        BUILD,
        *("GALAXY_IMPORTER_RUN_ANSIBLE_LINT=False", "GALAXY_IMPORTER_LOG_LEVEL_MAIN=WARNING"),
        *(venv / "python", "-m", "galaxy_importer.main"),
    )
    types = ("-p", f"{ours}.plugins", "-p", f"{ours}.playbooks")
    return Part(
        "lint",
        (
            (venv / "ansible-lint", "--offline", "--profile", "production", "--nocolor", "-q", "--exclude", ".build"),
            (venv / "ruff", "check", "--quiet", "--no-cache", *sources),
            (venv / "ruff", "format", "--check", "--quiet", "--no-cache", *sources),
            (venv / "antsibull-changelog", "lint"),
            (sys.executable, ROOT / "tools" / "words.py"),
            (*importer, artifact),
            ("env", "-C", BUILD / "collections", venv / "mypy", "--config-file", ROOT / "pyproject.toml", *types),
        ),
        path=venv,
    )


def galaxy(cell: Cell, artifact: Path) -> Part:
    script = ROOT / "tools" / "galaxy.py"
    return Part(f"galaxy {cell}", ((sys.executable, script, of(cell), artifact, CACHED),))


def sanity(cell: Cell, collection: Path, *, everywhere: bool) -> Part:
    venv = of(cell)
    more = ("--everywhere",) if everywhere else ()
    return Part(f"sanity {cell}", ((venv / "bin" / "python", ROOT / "tools" / "sanity.py", venv, collection, *more),))


def unit(cell: Cell, collection: Path) -> Part:
    extra = os.environ.get("ARGS", "").split()
    command = ("env", f"KINDLAB_CHECKOUT={ROOT}", of(cell) / "bin" / "python", "-m", "pytest", *extra)
    return Part(f"unit {cell}", (command,), collection)


def browser() -> list[Part]:
    """The map's page in a real browser, where there is one."""
    if not shutil.which(CHROMIUM):
        say(f"browser: skipped, {CHROMIUM} is not installed: apt-get install {CHROMIUM}")
        return []
    extra = os.environ.get("ARGS", "").split()
    python = environment("browser", newest().python) / "bin" / "python"
    return [Part("browser", ((python, "-m", "pytest", ROOT / "tests" / "browser", *extra),))]


def integration() -> Part:
    targets = os.environ.get("TARGETS", "").split()
    return Part("integration", ((sys.executable, ROOT / "tools" / "integration.py", *targets),), streams=True)


def faults() -> Part:
    return Part("faults", ((BUILD / "venv" / "bin" / "python", ROOT / "tests" / "faults", "--short"),), streams=True)


def matrix(names: list[str], artifact: Path, *, everywhere: bool) -> list[Part]:
    """The parts that each version of ansible-core has, on the Pythons where it is tested."""
    found: list[Part] = []
    for cell in chosen(os.environ.get("VERSIONS", "").split(), everywhere=everywhere):
        tested = install(of(cell) / "bin" / "ansible-galaxy", artifact, BUILD / "tested" / str(cell).replace("/", "-"))
        # What checks modules on the Pythons of managed hosts is the same for all Pythons of a controller.
        first = not any(part.name.startswith(f"sanity {cell.core}/") for part in found)
        found += [galaxy(cell, artifact)] if "galaxy" in names else []
        found += [sanity(cell, tested, everywhere=everywhere and first)] if "sanity" in names else []
        found += [unit(cell, tested)] if "unit" in names else []
    return found


def parts(names: list[str], *, everywhere: bool) -> list[Part]:
    """Prepare environments and artifact, and return the parts. They run the installed artifact, not the checkout."""
    use("run")
    artifact = current()
    found = [lint(artifact)] if "lint" in names else []
    found += browser() if "browser" in names else []
    if {"galaxy", "sanity", "unit"} & set(names):
        found += matrix(names, artifact, everywhere=everywhere)
    alone = [make() for name, make in (("integration", integration), ("faults", faults)) if name in names]
    return [*found, *alone]


def main() -> None:
    start = time.monotonic()
    LOGS.mkdir(parents=True, exist_ok=True)
    names = sys.argv[1:] or [*ALL]
    todo = parts(names, everywhere=names[0] == EVERYWHERE)
    results = [("preparation", True, time.monotonic() - start)]
    quiet, loud = ([part for part in todo if part.streams is streams] for streams in (False, True))
    # Clusters are waited for more than computed with: one other part at a time has what they leave. With more of them,
    # nodes do not start within the time that kind gives them.
    turns = Semaphore(1 if loud else JOBS)
    with ThreadPoolExecutor(JOBS) as pool:
        told = [pool.submit(part.told, turns, beside=bool(loud)) for part in quiet]
        ran = [(part.name, *part.run()) for part in loud]
        turns.release()
    results += [(part.name, *done.result()) for part, done in zip(quiet, told, strict=True)] + ran
    say("\n".join(["", *(row(*result) for result in results)]))
    failed = [name for name, good, _seconds in results if not good]
    verdict = f"failed: {', '.join(failed)}" if failed else "all passed"
    say(f"test: {verdict}, {time.monotonic() - start:.0f} s")
    sys.exit(bool(failed))


if __name__ == "__main__":
    main()
