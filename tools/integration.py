"""Runs tests/integration/targets one after another, each as a role against this machine; arguments choose some."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

from lab import BUILD, ROOT

# Clusters that targets make. None is anybody's: they are removed before and behind, whatever is in them.
CLUSTERS = (
    *("it", "it-bad", "it-class", "it-data", "it-drain", "it-hostpath", "it-image", "it-life", "it-local-path-shared"),
    *("it-again", "it-lab-a", "it-lab-b", "it-local-data", "it-node"),
    *("it-provisioners", "it-restore"),
)
TARGETS = ROOT / "tests" / "integration" / "targets"
SCRATCH = BUILD / "integration"


def chosen(wanted: list[str]) -> list[str]:
    """Targets in the order of their names; those whose name begins with setup_ are parts of others, not tests."""
    known = sorted(path.name for path in TARGETS.iterdir() if (path / "tasks" / "main.yml").exists())
    unknown = set(wanted) - set(known)
    if unknown:
        sys.exit(f"no such target: {', '.join(sorted(unknown))}; there are: {', '.join(known)}")
    return wanted or [name for name in known if not name.startswith("setup_")]


def passes(target: str) -> bool:
    """Play the target; Ansible reads YAML, and JSON is YAML."""
    play = {"name": f"Test {target}", "hosts": "localhost", "gather_facts": False, "roles": [target]}
    playbook = SCRATCH / f"{target}.yml"
    playbook.write_text(json.dumps([play]))
    return run(playbook)


def run(*playbook: str | Path) -> bool:
    """Run a playbook with data and proofs of its own, so that nobody's demos are touched."""
    own = {"KINDLAB_DATA": str(SCRATCH / "data"), "KINDLAB_PROOFS": str(SCRATCH / "proofs")}
    environment = {**os.environ, **own, "ANSIBLE_ROLES_PATH": str(TARGETS)}
    command = [BUILD / "venv" / "bin" / "ansible-playbook", *playbook]
    return subprocess.call(command, env=environment, stdin=subprocess.DEVNULL) == 0


def clean_up() -> None:
    """Remove the targets' clusters, also those of an earlier run, and their data."""
    wanted = json.dumps({"kindlab_clusters": CLUSTERS, "kindlab_force": True})
    if not run("kindlab.volumes.teardown", "--extra-vars", wanted):
        sys.exit("the clusters of an earlier run can't be removed")
    shutil.rmtree(SCRATCH / "data", ignore_errors=True)


def main() -> None:
    targets = chosen(sys.argv[1:])
    SCRATCH.mkdir(parents=True, exist_ok=True)
    clean_up()
    failed, lines = 0, []
    for target in targets:
        start = time.monotonic()
        good = passes(target)
        failed += not good
        lines.append(f"{'passed' if good else 'FAILED'}  {target}  {time.monotonic() - start:.1f} s")
        print(lines[-1], flush=True)
    clean_up()
    print("\n".join(["", "integration:", *lines, f"{len(targets) - failed} passed, {failed} failed"]))
    sys.exit(bool(failed))


if __name__ == "__main__":
    main()
