"""Build the node image: `plan` lists the steps, `run STEP` runs one step and those that it depends on."""

from __future__ import annotations

import argparse
import json
import os
import platform
import shutil
import sys
from pathlib import Path

import mirror
import node
import recipe
from command import Runner
from errors import BuildError, explain_os_error
from steps import Recipe, Step, Work
from store import Store

FILES = Path(__file__).resolve().parent.parent


class Builder:
    """A recipe, the store of its results, and the tools to build them."""

    def __init__(self, plan: Recipe, store: Store, tools: dict[str, str]) -> None:
        self.recipe = plan
        self.store = store
        self.tools = tools

    def plan(self) -> dict[str, object]:
        final = self.recipe.key("node")
        version = recipe.required_version(FILES, "k8s.io/kubernetes")
        return {
            "reference": node.reference(version, final),
            "archive": str(self.store.path("node", final) / "image.tar.zst"),
            "version": version,
            "images": dict(self.recipe.steps["node"].facts),
            "steps": [self._line(step) for step in self.recipe.steps.values()],
        }

    def run(self, name: str) -> dict[str, object]:
        """Run one step after those that it depends on. Waits for a step that another process is running."""
        step, key = self.recipe.steps[name], self.recipe.key(name)
        if self.store.seconds(name, key) is not None:
            return self._done(name, key)
        for need in step.needs:
            self.run(need)
        with self.store.lock(name):
            if self.store.seconds(name, key) is None:
                self._make(step, key)
        return self._done(name, key)

    def _done(self, name: str, key: str) -> dict[str, object]:
        return {"name": name, "seconds": self.store.seconds(name, key)}

    def _make(self, step: Step, key: str) -> None:
        free = shutil.disk_usage(self.store.root).free >> 20
        if free < step.megabytes:
            raise BuildError(
                f"{step.title}: {free} MB free at {self.store.root}, {step.megabytes} MB needed",
                hint="free some space, or use another directory (kindlab_cache); finished steps are kept",
            )
        runner = Runner(self.store.log(step.name))
        inputs = {need: self.store.path(need, self.recipe.key(need)) for need in step.needs}
        with self.store.draft(step.name, key) as out:
            step.make(Work(out, FILES, inputs, {**self.tools, "key": key}, runner))

    def _line(self, step: Step) -> dict[str, object]:
        cached = self.store.seconds(step.name, self.recipe.key(step.name)) is not None
        return {"name": step.name, "title": step.title, "root": step.root, "cached": cached}


def main() -> int:
    parser = argparse.ArgumentParser(prog="builder", description=__doc__)
    parser.add_argument("--cache", type=Path, default=Path.home() / ".cache/kindlab")
    parser.add_argument("--go", default="go")
    parser.add_argument("--mirror", default="")
    parser.add_argument("--suite", default="bookworm")
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("plan")
    commands.add_parser("run").add_argument("step")
    options = parser.parse_args()
    os.umask(0o022)  # other users (root, pods) use the results
    store = Store(options.cache.expanduser() / "build" / platform.machine())
    builder = Builder(
        recipe.load(FILES, options.suite),
        store,
        {"go": options.go, "mirror": mirror.choose(options.mirror, options.suite)},
    )
    if options.command == "plan":
        print(json.dumps(builder.plan()))
        return 0
    try:
        print(json.dumps(builder.run(options.step)))
    except BuildError as error:
        print(error.report(), file=sys.stderr)
        return 1
    except OSError as error:
        print(explain_os_error(error).report(), file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
