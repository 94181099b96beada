"""Build steps, and keys that are hashes of their inputs."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from command import Runner
from sources import Sources


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

    def __init__(self, sources: Sources, steps: Sequence[Step]) -> None:
        self.sources = sources
        self.steps = {step.name: step for step in steps}
        self._keys: dict[str, str] = {}

    def key(self, name: str) -> str:
        if name not in self._keys:
            step = self.steps[name]
            parts = [step.name, dict(step.facts), self._digests(step.sources), [self.key(need) for need in step.needs]]
            self._keys[name] = hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()[:12]
        return self._keys[name]

    def _digests(self, names: Sequence[str]) -> list[list[str]]:
        return [
            [str(path), hashlib.sha256(source.read_bytes()).hexdigest()]
            for name in names
            for path, source in self.sources.files(name)
        ]
