"""The recipe's files for one version of Kubernetes: those that all versions share, and over them its own."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from pathlib import Path

from errors import BuildError

OWN = "versions"  # a directory per version, except for the default one, whose files are the shared ones


class Sources:
    """Files below `top`. A file of the version's own directory takes the place of the shared one of that name."""

    def __init__(self, top: Path, version: str = "") -> None:
        self.tops = [top]
        self.version = self.required("k8s.io/kubernetes")
        self.versions = [self.version, *sorted(path.name for path in (top / OWN).glob("[0-9]*"))]
        if version in self.versions[1:]:
            self.tops.append(top / OWN / version)
            self.version = version
        elif version not in ("", self.version):
            raise BuildError(f"Kubernetes {version} cannot be built, only {', '.join(self.versions)}")

    def files(self, name: str) -> Iterator[tuple[Path, Path]]:
        """Each file at or below this name, sorted: its path in the recipe, and where it is."""
        found: dict[Path, Path] = {}
        for top in self.tops:
            start = top / name
            for path in start.rglob("*") if start.is_dir() else [start]:
                if path.is_file() and "__pycache__" not in path.parts:
                    found[path.relative_to(top)] = path
        yield from sorted(found.items())

    def lay_out(self, target: Path) -> None:
        """Copy what the steps read into one directory, where programs expect it."""
        for name in ("builder", "go", "node"):
            for path, source in self.files(name):
                (target / path).parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(source, target / path)

    def required(self, module: str) -> str:
        """Version of a Go module, or of Go itself, in go.mod: the only place that defines it."""
        ((_name, modules),) = self.files("go/go.mod")
        found = re.search(rf"^\s*(?:require\s+)?{re.escape(module)} v?(\d\S*)", modules.read_text(), re.MULTILINE)
        if not found:
            raise LookupError(f"{module} is not required by {modules}")
        return found[1]
