"""Build a node image: `plan` lists images and steps, `run STEP` runs one step and those that it depends on.

`keep ARCHIVE` takes the image that another machine has built.
"""

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
from sources import Sources
from steps import Recipe, Step, Work
from store import Store

FILES = Path(__file__).resolve().parent.parent


class Builder:
    """The recipe of each version of Kubernetes, the store of their results, and the tools to build one of them."""

    def __init__(self, recipes: dict[str, Recipe], version: str, store: Store, tools: dict[str, str]) -> None:
        self.recipes = recipes
        self.recipe = recipes[version]
        self.store = store
        self.tools = tools

    def plan(self) -> dict[str, object]:
        return {
            "default": next(iter(self.recipes)),
            "built": {version: self._image(version, one) for version, one in self.recipes.items()},
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

    def keep(self, archive: Path) -> dict[str, object]:
        """Move the archive of another machine's image to where a build of this recipe would leave it."""
        name, key = "node", self.recipe.key("node")
        with self.store.lock(name):
            if self.store.seconds(name, key) is None:
                with self.store.draft(name, key) as out:
                    shutil.move(archive, out / "image.tar.zst")
        archive.unlink(missing_ok=True)
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
            sources = out / "recipe"
            self.recipe.sources.lay_out(sources)
            step.make(Work(out, sources, inputs, {**self.tools, "key": key}, runner))
            shutil.rmtree(sources)

    def _image(self, version: str, one: Recipe) -> dict[str, object]:
        key = one.key("node")
        return {
            "reference": node.reference(version, key),
            "archive": str(self.store.path("node", key) / "image.tar.zst"),
            "images": dict(one.steps["node"].facts),
            "go": one.sources.required("go"),
            "cached": self.store.seconds("node", key) is not None,
        }

    def _line(self, step: Step) -> dict[str, object]:
        cached = self.store.seconds(step.name, self.recipe.key(step.name)) is not None
        return {"name": step.name, "title": step.title, "root": step.root, "cached": cached}


def prepared(options: argparse.Namespace) -> Builder:
    """The builder of the wanted version. The results of all versions' recipes are kept."""
    chosen = Sources(FILES, options.kubernetes)
    recipes = {version: recipe.load(Sources(FILES, version), options.suite) for version in chosen.versions}
    keys = {one.key(name) for one in recipes.values() for name in one.steps}
    store = Store(options.cache.expanduser() / "build" / options.machine, keys)
    tools = {"go": options.go, "mirror": mirror.choose(options.mirror, options.suite)}
    return Builder(recipes, chosen.version, store, tools)


def main() -> int:
    parser = argparse.ArgumentParser(prog="builder", description=__doc__)
    parser.add_argument("--cache", type=Path, default=Path.home() / ".cache/kindlab")
    parser.add_argument("--go", default="go")
    parser.add_argument("--mirror", default="")
    parser.add_argument("--suite", default="bookworm")
    parser.add_argument("--kubernetes", default="")
    parser.add_argument("--machine", default=platform.machine())
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("plan")
    commands.add_parser("run").add_argument("step")
    commands.add_parser("keep").add_argument("archive", type=Path)
    options = parser.parse_args()
    os.umask(0o022)  # other users (root, pods) use the results
    try:
        builder = prepared(options)
        print(json.dumps(answer(builder, options)))
    except BuildError as error:
        print(error.report(), file=sys.stderr)
        return 1
    except OSError as error:
        print(explain_os_error(error).report(), file=sys.stderr)
        return 1
    return 0


def answer(builder: Builder, options: argparse.Namespace) -> dict[str, object]:
    if options.command == "keep":
        return builder.keep(options.archive)
    return builder.run(options.step) if options.command == "run" else builder.plan()


if __name__ == "__main__":
    sys.exit(main())
