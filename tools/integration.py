"""Runs tests/integration/targets one after another, each as a role against this machine; arguments choose some."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time

from lab import BUILD, ROOT

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
    environment = {**os.environ, "ANSIBLE_ROLES_PATH": str(TARGETS)}
    command = [BUILD / "venv" / "bin" / "ansible-playbook", playbook]
    return subprocess.call(command, env=environment, stdin=subprocess.DEVNULL) == 0


def main() -> None:
    targets = chosen(sys.argv[1:])
    SCRATCH.mkdir(parents=True, exist_ok=True)
    failed, lines = 0, []
    for target in targets:
        start = time.monotonic()
        good = passes(target)
        failed += not good
        lines.append(f"{'passed' if good else 'FAILED'}  {target}  {time.monotonic() - start:.1f} s")
        print(lines[-1], flush=True)
    print("\n".join(["", "integration:", *lines, f"{len(targets) - failed} passed, {failed} failed"]))
    sys.exit(bool(failed))


if __name__ == "__main__":
    main()
