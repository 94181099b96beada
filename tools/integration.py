"""Runs the integration targets one after another, each as a role on this machine; arguments select some."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time

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


def passes(test: str, role: dict[str, object]) -> bool:
    """Play the role; Ansible reads YAML, and JSON is YAML."""
    play = {"name": f"Test {test}", "hosts": "localhost", "gather_facts": False, "roles": [role]}
    playbook = SCRATCH / f"{test.replace('/', '-')}.yml"
    playbook.write_text(json.dumps([play]))
    return run(str(playbook))


def run(*arguments: str) -> bool:
    """Run ansible-playbook with its own directories for data and reports, apart from those of the demos."""
    own = {"KINDLAB_DATA": str(SCRATCH / "data"), "KINDLAB_PROOFS": str(SCRATCH / "proofs")}
    environment = {**os.environ, **own, "ANSIBLE_ROLES_PATH": str(TARGETS)}
    command = [BUILD / "venv" / "bin" / "ansible-playbook", *arguments]
    return subprocess.call(command, env=environment, stdin=subprocess.DEVNULL) == 0


def clean_up() -> None:
    """Remove the targets' clusters, also those of an earlier run, and their data."""
    variables = json.dumps({"kindlab_clusters": CLUSTERS, "kindlab_force": True})
    if not run("kindlab.volumes.teardown", "--extra-vars", variables):
        sys.exit("cannot remove the clusters of an earlier run")
    shutil.rmtree(SCRATCH / "data", ignore_errors=True)


def main() -> None:
    tests = select(known(), sys.argv[1:])
    SCRATCH.mkdir(parents=True, exist_ok=True)
    clean_up()
    failed, lines = 0, []
    for test, role in tests.items():
        start = time.monotonic()
        good = passes(test, role)
        failed += not good
        lines.append(f"{'passed' if good else 'FAILED'}  {test}  {time.monotonic() - start:.1f} s")
        print(lines[-1], flush=True)
    clean_up()
    print("\n".join(["", "integration:", *lines, f"{len(tests) - failed} passed, {failed} failed"]))
    sys.exit(bool(failed))


if __name__ == "__main__":
    main()
