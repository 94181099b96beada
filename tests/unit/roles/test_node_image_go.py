"""The node image's own Go code, where Go is at hand: what needs nothing but Go itself is tested with Go's own tests."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from ansible_collections.kindlab.volumes.tests.unit.roles.files import ROLES, load

find_go = load("engine", "find_go.py")
SOURCES = ROLES / "node_image/files/go"
CACHE = Path(os.environ.get("KINDLAB_CACHE") or "~/.cache/kindlab").expanduser()
GO = next((go for go in find_go.candidates(CACHE) if find_go.version(go) >= (1, 24)), "")


pytestmark = pytest.mark.skipif(not GO, reason="Go is not at hand")


@pytest.mark.parametrize("words", [["vet"], ["test", "-count=1"]])
def test_directories_of_volumes(words: list[str]) -> None:
    """What is made and removed lies below the root, and nothing else is touched."""
    environment = {**os.environ, "CGO_ENABLED": "0", "GOFLAGS": "-buildvcs=false", "GOWORK": "off"}
    command = [GO, *words, "./hostdir"]
    done = subprocess.run(command, cwd=SOURCES, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_formatted() -> None:
    """gofmt lies beside go."""
    gofmt = Path(GO).resolve().parent / "gofmt"
    assert subprocess.check_output([gofmt, "-l", SOURCES], text=True) == ""
