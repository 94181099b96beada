"""Runs the named checks (lint, sanity, unit, integration, faults) as CI does, and ends with a table of results."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from collection import current, install
from environment import environment, use
from paths import BUILD, ROOT, say

# The Pythons (minor versions) that each ansible-core's own tests run on.
VERSIONS = {"2.17": range(10, 13), "2.18": range(11, 14), "2.19": range(11, 14)}
LOGS = BUILD / "logs"
JOBS = 2
# One file of module_utils imports ansible (tests/unit/test_house.py), besides roles, playbooks and documentation.
_NAMES = (
    "core/test_provision.py",
    "edge/test_module.py",
    "playbooks",
    "roles",
    "test_error_options.py",
    "test_roles_arguments.py",
)
OF_ANSIBLE = tuple(f"tests/unit/{name}" for name in _NAMES)


@dataclass(frozen=True)
class Part:
    """Commands of one line of the table. All of them run, also after one has failed."""

    name: str
    commands: tuple[tuple[str | Path, ...], ...]
    folder: Path = ROOT
    path: Path | None = None
    streams: bool = False

    def run(self) -> tuple[bool, float]:
        """Whether all commands succeeded, and the seconds they took."""
        start = time.monotonic()
        path = os.pathsep.join([*([str(self.path)] if self.path else []), os.environ["PATH"]])
        with (LOGS / f"{self.name.replace(' ', '-')}.log").open("w") as log:
            codes = [
                subprocess.call(
                    command,
                    cwd=self.folder,
                    env={**os.environ, "PATH": path},
                    stdin=subprocess.DEVNULL,
                    stdout=None if self.streams else log,
                    stderr=None if self.streams else subprocess.STDOUT,
                )
                for command in self.commands
            ]
        return not any(codes), time.monotonic() - start

    def report(self, good: bool, seconds: float) -> None:
        """Print the result, with the output of the commands if they failed, else the summary of pytest."""
        output = (LOGS / f"{self.name.replace(' ', '-')}.log").read_text().rstrip()
        closing = [line for line in output.splitlines() if re.match(r"=+ .*\d+ passed", line)]
        say("\n".join([row(self.name, good, seconds), *(closing if good else [output])]))


def row(name: str, good: bool, seconds: float) -> str:
    return f"{name:14} {'passed' if good else 'FAILED'} {seconds:7.1f} s"


def lint(artifact: Path) -> Part:
    venv = environment("lint") / "bin"
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


def sanity(version: str, collection: Path) -> Part:
    venv = environment(f"core-{version}")
    return Part(f"sanity {version}", ((sys.executable, ROOT / "tools" / "sanity.py", venv, collection),))


def unit(version: str, collection: Path) -> Part:
    """Of versions between the oldest and the newest one only the tests of what imports ansible, unless it is chosen."""
    python = environment(f"core-{version}") / "bin" / "python"
    between = version in list(VERSIONS)[1:-1] and not os.environ.get("VERSIONS")
    extra = [*os.environ.get("ARGS", "").split(), *(OF_ANSIBLE if between else ())]
    return Part(f"unit {version}", (("env", f"KINDLAB_CHECKOUT={ROOT}", python, "-m", "pytest", *extra),), collection)


def integration() -> Part:
    targets = os.environ.get("TARGETS", "").split()
    return Part("integration", ((sys.executable, ROOT / "tools" / "integration.py", *targets),), streams=True)


def faults() -> Part:
    return Part("faults", ((BUILD / "venv" / "bin" / "python", ROOT / "tests" / "faults", "--short"),), streams=True)


def versions() -> list[str]:
    wanted = os.environ.get("VERSIONS", "").split() or list(VERSIONS)
    fitting = [version for version in wanted if sys.version_info.minor in VERSIONS[version]]
    for version in set(wanted) - set(fitting):
        say(f"skipping ansible-core {version}, which does not support Python 3.{sys.version_info.minor}")
    if not fitting:
        sys.exit("no ansible-core supports this Python. Run: make PYTHON=python3.12 test")
    return fitting


def parts(names: list[str]) -> list[Part]:
    """Prepare environments and artifact, and return the parts. They run the installed artifact, not the checkout."""
    use("run")
    artifact = current()
    found = [lint(artifact)] if "lint" in names else []
    matrix = [(name, make) for name, make in (("sanity", sanity), ("unit", unit)) if name in names]
    for version in versions() if matrix else []:
        galaxy = environment(f"core-{version}") / "bin" / "ansible-galaxy"
        tested = install(galaxy, artifact, BUILD / "tested" / version)
        found += [make(version, tested) for _name, make in matrix]
    alone = [make() for name, make in (("integration", integration), ("faults", faults)) if name in names]
    return [*found, *alone]


def main() -> None:
    start = time.monotonic()
    LOGS.mkdir(parents=True, exist_ok=True)
    todo = parts(sys.argv[1:] or ["lint", "sanity", "unit", "integration", "faults"])
    results = [("preparation", True, time.monotonic() - start)]
    beside = [part for part in todo if not part.streams]
    with ThreadPoolExecutor(JOBS) as pool:
        for part, (good, seconds) in zip(beside, pool.map(Part.run, beside), strict=True):
            part.report(good, seconds)
            results.append((part.name, good, seconds))
    results += [(part.name, *part.run()) for part in todo if part.streams]
    say("\n".join(["", *(row(*result) for result in results)]))
    failed = [name for name, good, _seconds in results if not good]
    verdict = f"failed: {', '.join(failed)}" if failed else "all passed"
    say(f"test: {verdict}, {time.monotonic() - start:.0f} s")
    sys.exit(bool(failed))


if __name__ == "__main__":
    main()
