"""Prepares the context of an execution environment in .build/ee/context, and builds it where BASE names an image."""

from __future__ import annotations

import os
import shutil
import sys

from collection import CACHED, DEPENDENCY, current
from environment import environment
from paths import BUILD, NAME, NAMESPACE, ROOT, run, say
from pythons import newest

PLACE = BUILD / "ee"
CONTEXT = PLACE / "context"
TAG = f"{NAMESPACE}-{NAME}-ee"


def main() -> None:
    programs = environment("docs", newest().python) / "bin"
    artifact = current()
    shutil.rmtree(PLACE, ignore_errors=True)
    PLACE.mkdir(parents=True)
    shutil.copyfile(artifact, PLACE / f"{NAMESPACE}-{NAME}.tar.gz")
    shutil.copytree(CACHED, PLACE / DEPENDENCY.partition(":")[0].replace(".", "-"))
    builder = (programs / "ansible-builder", "create", "--file", ROOT / "execution-environment.yml")
    run(*builder, "--context", CONTEXT, "--output-filename", "Containerfile", cwd=ROOT, quiet=True)
    base, engine = os.environ.get("BASE"), os.environ.get("ENGINE") or "docker"
    arguments = ("--build-arg", f"EE_BASE_IMAGE={base or 'IMAGE'}", *os.environ.get("ARGS", "").split())
    build = (engine, "build", "--file", CONTEXT / "Containerfile", "--tag", TAG, *arguments, CONTEXT)
    if not base:
        say(f"to build it on an image with Python and pip: {' '.join(map(str, build))}")
        print(CONTEXT.relative_to(ROOT))
        sys.exit()
    run(*build)
    print(TAG)


if __name__ == "__main__":
    main()
