"""Runs the integration targets as roles on this machine, two at a time; arguments select some."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TextIO

from paths import BUILD, ROOT
from use_cases import USE_CASES, finished

# Clusters that targets create. They are removed before and after the tests, with all that is in them.
CLUSTERS = [
    *("it", "it-again", "it-bad", "it-data", "it-drain", "it-image", "it-lab-a", "it-lab-b", "it-life", "it-node"),
    "it-provisioners",
    *sorted({f"it-{cluster}" for clusters in USE_CASES.values() for cluster in clusters}),
]
TARGETS = ROOT / "tests" / "integration" / "targets"
SCRATCH = BUILD / "integration"
LOGS = BUILD / "logs"
# Most of a test's time is spent on waiting for a cluster.
JOBS = 2
# Tests that measure time, and that nothing may slow down.
ALONE = ("progress",)
# Groups that take longest begin first, so that none of them runs alone at the end.
FIRST = ("mounted", "provisioners", "it", "recreate", "hostpath", "provision", "node_drain", "stock")
_PRINTING = threading.Lock()


def known() -> dict[str, dict[str, object]]:
    """Each test's role with its variables. Targets whose names begin with setup_ are parts of others, not tests."""
    tests: dict[str, dict[str, object]] = {}
    for name in sorted(path.parents[1].name for path in TARGETS.glob("*/tasks/main.yml")):
        if name == "use_cases":
            for case in USE_CASES:
                options = {"use_cases_names": [case], "use_cases_finished": finished(case, "it")}
                tests[f"{name}/{case}"] = {"role": name, "vars": options}
        elif not name.startswith("setup_"):
            tests[name] = {"role": name}
    return tests


def select(tests: dict[str, dict[str, object]], wanted: list[str]) -> dict[str, dict[str, object]]:
    """The tests of these names, all if there are none; use_cases are all tests below it."""
    unknown = [name for name in wanted if not any(test == name or test.startswith(f"{name}/") for test in tests)]
    if unknown:
        sys.exit(f"no such target: {', '.join(unknown)}; choose from: {', '.join(tests)}")
    return {
        test: role for test, role in tests.items() if not wanted or test in wanted or test.partition("/")[0] in wanted
    }


def group(test: str) -> str:
    """What a test shares with others: tests of one group run one after another, in their order."""
    name, _slash, case = test.partition("/")
    if case:
        return USE_CASES[case][0]
    requirements = TARGETS / name / "meta" / "main.yml"
    shared = requirements.exists() and "- setup_cluster\n" in requirements.read_text()
    # A target that names the cluster itself has it alone.
    return "it" if shared and not (TARGETS / name / "vars").exists() else name


def groups(tests: dict[str, dict[str, object]]) -> list[list[str]]:
    """The tests by group, without those that run alone."""
    found: dict[str, list[str]] = {}
    for test in tests:
        if test not in ALONE:
            found.setdefault(group(test), []).append(test)
    return [found[name] for name in sorted(found, key=lambda name: FIRST.index(name) if name in FIRST else len(FIRST))]


def attempt(test: str, role: dict[str, object]) -> tuple[str, bool, float]:
    """Play the role; its output is printed if it failed."""
    log, start = LOGS / f"integration-{test.replace('/', '-')}.log", time.monotonic()
    good = passes(f"Test {test}", [role], log)
    seconds = time.monotonic() - start
    with _PRINTING:
        print(("" if good else log.read_text()) + line(test, good, seconds), flush=True)
    return test, good, seconds


def line(test: str, good: bool, seconds: float) -> str:
    return f"{'passed' if good else 'FAILED'}  {test}  {seconds:.1f} s"


def passes(name: str, roles: list[dict[str, object]], log: Path) -> bool:
    """Play the roles; Ansible reads YAML, and JSON is YAML."""
    play = {"name": name, "hosts": "localhost", "gather_facts": False, "roles": roles}
    playbook = SCRATCH / f"{log.stem}.yml"
    playbook.write_text(json.dumps([play]))
    with log.open("w") as output:
        return run(str(playbook), output=output)


def run(*arguments: str, output: TextIO | None = None) -> bool:
    """Run ansible-playbook with its own directories for data and reports, apart from those of the demos."""
    own = {"KINDLAB_DATA": str(SCRATCH / "data"), "KINDLAB_PROOFS": str(SCRATCH / "proofs")}
    environment = {**os.environ, **own, "ANSIBLE_ROLES_PATH": str(TARGETS)}
    command = [BUILD / "venv" / "bin" / "ansible-playbook", *arguments]
    errors = None if output is None else subprocess.STDOUT
    return subprocess.call(command, env=environment, stdin=subprocess.DEVNULL, stdout=output, stderr=errors) == 0


def clean_up() -> None:
    """Remove the targets' clusters, also those of an earlier run, and their data."""
    variables = json.dumps({"kindlab_clusters": CLUSTERS, "kindlab_force": True})
    if not run("kindlab.volumes.teardown", "--extra-vars", variables):
        sys.exit("cannot remove the clusters of an earlier run")
    shutil.rmtree(SCRATCH / "data", ignore_errors=True)


def set_up() -> None:
    """Install the engine and build the node image once, before tests that run at the same time would."""
    log = LOGS / "integration-set_up.log"
    if not passes("Set up", [{"role": "kindlab.volumes.engine"}, {"role": "kindlab.volumes.node_image"}], log):
        sys.exit(f"{log.read_text()}cannot set up the machine")


def main() -> None:
    tests = select(known(), sys.argv[1:])
    for place in (SCRATCH, LOGS):
        place.mkdir(parents=True, exist_ok=True)
    clean_up()
    set_up()
    results = [attempt(test, tests[test]) for test in tests if test in ALONE]
    with ThreadPoolExecutor(JOBS) as pool:
        for several in pool.map(lambda names: [attempt(test, tests[test]) for test in names], groups(tests)):
            results += several
    clean_up()
    failed = [test for test, good, _seconds in results if not good]
    print("\n".join(["", "integration:", *(line(*result) for result in sorted(results))]))
    print(f"{len(tests) - len(failed)} passed, {len(failed)} failed")
    sys.exit(bool(failed))


if __name__ == "__main__":
    main()
