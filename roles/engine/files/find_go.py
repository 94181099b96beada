"""Find a recent version of Go, or download it with an older one from the module proxy. Prints JSON."""

from __future__ import annotations

import argparse
import json
import os
import platform
import re
import shutil
import subprocess
import sys
from pathlib import Path

ARCHITECTURES = {"x86_64": "amd64", "aarch64": "arm64"}


def numbers(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in re.findall(r"\d+", version)[:3])


def candidates(cache: Path) -> list[str]:
    """Go on the PATH, in the directories of its installer and of Debian, and in the cache."""
    found = [
        shutil.which("go"),
        "/usr/local/go/bin/go",
        *map(str, sorted(Path("/usr/lib").glob("go-*/bin/go"))),
        str(cache / "go/bin/go"),
    ]
    return [path for path in found if path and os.access(path, os.X_OK)]


def version(go: str) -> tuple[int, ...]:
    # Its own version, not that of a toolchain that it would switch to.
    done = subprocess.run(
        [go, "version"], capture_output=True, text=True, check=False, env={**os.environ, "GOTOOLCHAIN": "local"}
    )
    match = re.search(r"go(\d+\.\d+(\.\d+)?)", done.stdout)
    return numbers(match.group(1)) if match else ()


def fetch(go: str, requested: str, cache: Path) -> str:
    """Download a toolchain, which the proxy serves as a verified module, and make its programs executable."""
    module = (
        f"golang.org/toolchain@v0.0.1-go{requested}.linux-{ARCHITECTURES.get(platform.machine(), platform.machine())}"
    )
    work = cache / "go.draft"
    shutil.rmtree(work, ignore_errors=True)
    work.mkdir(parents=True)
    env = {**os.environ, "GOFLAGS": "-mod=mod", "GOTOOLCHAIN": "local", "GO111MODULE": "on", "GOWORK": "off"}
    done = subprocess.run(
        [go, "mod", "download", "-json", module], capture_output=True, text=True, check=False, env=env, cwd=work
    )
    if done.returncode:
        raise RuntimeError(f"go mod download {module} failed: {(done.stderr or done.stdout).strip()[-600:]}")
    shutil.copytree(json.loads(done.stdout)["Dir"], work / "go", copy_function=shutil.copyfile)
    for path in (work / "go").rglob("*"):
        program = path.parent.name == "bin" or "tool" in path.parts
        path.chmod(0o755 if path.is_dir() or program else 0o644)
    shutil.rmtree(cache / "go", ignore_errors=True)
    (work / "go").rename(cache / "go")
    shutil.rmtree(work)
    return str(cache / "go/bin/go")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    for name in ("cache", "minimum", "version"):
        parser.add_argument(f"--{name}", required=True)
    options = parser.parse_args()
    cache = Path(options.cache).expanduser()
    installed = candidates(cache)
    root = os.geteuid() == 0
    good = [go for go in installed if version(go) >= numbers(options.minimum)]
    if good:
        print(json.dumps({"go": good[0], "fetched": False, "error": "", "root": root}))
    elif installed:
        try:
            print(
                json.dumps(
                    {"go": fetch(installed[0], options.version, cache), "fetched": True, "error": "", "root": root}
                )
            )
        except (RuntimeError, OSError) as error:
            text = f"{error}. Next: check the Go module proxy (go env GOPROXY), or install Go {options.minimum}."
            print(json.dumps({"go": "", "fetched": False, "error": text, "root": root}))
    else:
        print(json.dumps({"go": "", "fetched": False, "error": "", "root": root}))
    return 0


if __name__ == "__main__":
    sys.exit(main())
