"""Installs the artifact and its dependency with one ansible-core into an empty home, offline, and reads it there."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from paths import NAME, NAMESPACE, run

READ = f"{NAMESPACE}.{NAME}"


def install(venv: Path, artifact: Path, dependency: Path) -> None:
    """Fail if the collection cannot be installed, or what a user calls first cannot be found by its name."""
    with tempfile.TemporaryDirectory(prefix="kindlab-") as home:
        # The defaults, whatever the caller has configured.
        config = Path(home, "ansible.cfg")
        config.touch()
        collections = f"{home}/.ansible/collections"
        own = {"HOME": home, "ANSIBLE_CONFIG": str(config), "ANSIBLE_COLLECTIONS_PATH": collections}

        def ansible(program: str, *words: str | Path) -> None:
            run(venv / "bin" / program, *words, cwd=Path(home), quiet=True, **own)

        ansible("ansible-galaxy", "collection", "install", "--offline", artifact, dependency)
        ansible("ansible-galaxy", "collection", "verify", "--offline", READ)
        ansible("ansible-doc", f"{READ}.volume_backup")
        ansible("ansible-doc", "--type", "role", f"{READ}.backup")
        ansible("ansible-playbook", "--syntax-check", "--inventory", "localhost,", f"{READ}.restore_volumes")


if __name__ == "__main__":
    install(*map(Path, sys.argv[1:4]))
