"""Runs the integration targets, each as a role on this machine; arguments select some.

Those that share no cluster run side by side, JOBS at a time; the output of each one is printed when it has ended.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from paths import BUILD, ROOT
from use_cases import USE_CASES, finished

# Clusters that targets create. They are removed before and after the tests, with all that is in them.
SHARED = "it"
CLUSTERS = [
    *(SHARED, "it-again", "it-bad", "it-data", "it-drain", "it-everyday", "it-image", "it-kindest", "it-lab-a"),
    *("it-lab-b", "it-life", "it-map", "it-move", "it-node", "it-over-ssh-a", "it-over-ssh-b"),
    *("it-provisioners", "it-user"),
    *sorted({f"it-{cluster}" for clusters in USE_CASES.values() for cluster in clusters}),
]
# About how many seconds the long tests take: what takes longest starts first, so that no core is idle at the end.
SECONDS = {
    "archive_in_node": 190,
    "backup_restore": 198,
    "bad_input": 136,
    "everyday": 200,
    "node_drain": 210,
    "node_image": 130,
    "not_root": 300,
    "object_restore": 95,
    "over_ssh": 200,
    "provision": 249,
    "provisioners": 300,
    "recreate": 258,
    "stock_image": 240,
    "use_cases/change_cluster": 311,
    "use_cases/pod_restart": 130,
    "use_cases/restore_volumes": 260,
    "use_cases/volume_mobility": 260,
}
TARGETS = ROOT / "tests" / "integration" / "targets"
SCRATCH = BUILD / "integration"
JOBS = int(os.environ.get("JOBS") or 2)
PRINTING = threading.Lock()


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


def shares(test: str) -> set[str]:
    """What a test may share with others: the clusters of a use case, the shared cluster, or nothing but itself."""
    target, _slash, case = test.partition("/")
    if case:
        return {f"it-{cluster}" for cluster in USE_CASES[case]}
    texts = [path.read_text() for path in TARGETS.joinpath(target).glob("*/main.yml")]
    on_shared = any("- setup_cluster\n" in text for text in texts)
    # A target that names a cluster has it made for itself.
    return {SHARED} if on_shared and not any("it_cluster: " in text for text in texts) else {target}


def rows(tests: Iterable[str]) -> list[list[str]]:
    """Tests that share a cluster in one row, in their order; the row that takes longest first."""
    found: list[tuple[set[str], list[str]]] = []
    for test in tests:
        used = shares(test)
        meeting = [row for row in found if row[0] & used]
        found = [row for row in found if row not in meeting]
        found.append((used.union(*(row[0] for row in meeting)), [*(name for row in meeting for name in row[1]), test]))
    return sorted((row for _used, row in found), key=lambda row: -sum(SECONDS.get(test, 90) for test in row))


def run(*arguments: str, log: Path | None = None) -> bool:
    """Run ansible-playbook with its own directories for data and reports, apart from those of the demos."""
    own = {"KINDLAB_DATA": str(SCRATCH / "data"), "KINDLAB_PROOFS": str(SCRATCH / "proofs"), "KINDLAB_PROGRESS": "1"}
    environment = {**os.environ, **own, "ANSIBLE_ROLES_PATH": str(TARGETS)}
    command = [BUILD / "venv" / "bin" / "ansible-playbook", *arguments]
    if not log:
        return subprocess.call(command, env=environment, stdin=subprocess.DEVNULL) == 0
    with log.open("w") as output:
        code = subprocess.call(
            command, env=environment, stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT
        )
    return code == 0


def play(name: str, *roles: object) -> str:
    """The path of a playbook that plays these roles; Ansible reads YAML, and JSON is YAML."""
    playbook = SCRATCH / f"{name.replace('/', '-')}.yml"
    playbook.write_text(
        json.dumps([{"name": f"Test {name}", "hosts": "localhost", "gather_facts": False, "roles": roles}])
    )
    return str(playbook)


def passes(test: str, role: object, *, alone: bool) -> tuple[bool, str]:
    """Run a test. Whether it passed, and its line in the summary; side by side, its output is printed at the end."""
    start = time.monotonic()
    log = None if alone else SCRATCH / f"{test.replace('/', '-')}.log"
    good = run(play(test, role), log=log)
    line = f"{'passed' if good else 'FAILED'}  {test}  {time.monotonic() - start:.1f} s"
    with PRINTING:
        print(*([log.read_text()] if log else []), line, sep="\n", flush=True)
    return good, line


def prepare() -> None:
    """Install once what tests that begin side by side would all install, and remove what an earlier run left."""
    SCRATCH.mkdir(parents=True, exist_ok=True)
    # Its limits are checked by the tests, when the clusters of an earlier run are gone.
    engine = {"role": "kindlab.volumes.engine", "vars": {"engine_preflight": False}}
    if not run(play("preparation", engine, "kindlab.volumes.node_image")):
        sys.exit("the engine or the node image cannot be set up")
    clean_up()


def clean_up() -> None:
    """Remove the targets' clusters that exist, and their data."""
    found = [cluster for cluster in CLUSTERS if exists(cluster)]
    variables = json.dumps({"kindlab_clusters": found, "kindlab_force": True})
    if found and not run("kindlab.volumes.teardown", "--extra-vars", variables):
        sys.exit("cannot remove the clusters of an earlier run")
    shutil.rmtree(SCRATCH / "data", ignore_errors=True)


def exists(cluster: str) -> bool:
    """Whether an engine has containers of a cluster; a run of a module for each name would take half a minute."""
    argv = ["ps", "--all", "--quiet", "--filter", f"label=io.x-k8s.kind.cluster={cluster}"]
    engines = filter(shutil.which, ("docker", "nerdctl", "podman"))
    return any(subprocess.run([engine, *argv], capture_output=True, check=False).stdout for engine in engines)


def main() -> None:
    tests = select(known(), sys.argv[1:])
    prepare()
    todo = rows(tests)
    jobs = min(JOBS, len(todo))
    results: dict[str, tuple[bool, str]] = {}

    def work(row: list[str]) -> None:
        for test in row:
            results[test] = passes(test, tests[test], alone=jobs == 1)

    with ThreadPoolExecutor(jobs) as pool:
        list(pool.map(work, todo))
    clean_up()
    failed = sum(not good for good, _line in results.values())
    lines = [results[test][1] for test in tests]
    print("\n".join(["", "integration:", *lines, f"{len(tests) - failed} passed, {failed} failed"]))
    sys.exit(bool(failed))


if __name__ == "__main__":
    main()
