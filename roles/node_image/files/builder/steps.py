"""Build steps, and keys that are hashes of their inputs."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from command import Runner


@dataclass(frozen=True)
class Work:
    """Arguments of the function of a step: output and input directories, tools, and a runner of commands."""

    out: Path
    sources: Path
    inputs: Mapping[str, Path]
    tools: Mapping[str, str]
    runner: Runner


@dataclass(frozen=True)
class Step:
    """`facts` and the content of `sources` are part of the key. `megabytes` is the required free space."""

    name: str
    title: str
    make: Callable[[Work], None]
    sources: Sequence[str]
    facts: Mapping[str, str] = field(default_factory=dict)
    needs: Sequence[str] = ()
    root: bool = False
    megabytes: int = 500


class Recipe:
    """Steps, sorted by their dependencies."""

    def __init__(self, files: Path, steps: Sequence[Step]) -> None:
        self.files = files
        self.steps = {step.name: step for step in steps}
        self._keys: dict[str, str] = {}

    def key(self, name: str) -> str:
        if name not in self._keys:
            step = self.steps[name]
            parts = [step.name, dict(step.facts), self._digests(step.sources), [self.key(need) for need in step.needs]]
            self._keys[name] = hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()[:12]
        return self._keys[name]

    def _digests(self, sources: Sequence[str]) -> list[list[str]]:
        digests = []
        for source in sources:
            top = self.files / source
            for path in sorted(top.rglob("*")) if top.is_dir() else [top]:
                if path.is_file() and "__pycache__" not in path.parts:
                    digests.append([str(path.relative_to(self.files)), hashlib.sha256(path.read_bytes()).hexdigest()])
        return digests
