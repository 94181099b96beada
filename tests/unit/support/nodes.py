"""Fake nodes: commands inside them run on this host."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from ansible_collections.kindlab.volumes.plugins.module_utils._edge.command import Completed, Runner
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.data.node_directory import NodeDirectory
from ansible_collections.kindlab.volumes.tests.unit.support.fakes import ScriptedRunner, looked

EXEC = ["docker", "exec", "-i"]


class NodesHere(ScriptedRunner):
    """Follows its script, except for commands inside a node. inside: these commands, without the engine's prefix."""

    def __init__(self, script: Sequence[tuple[Sequence[str], Completed | str | Exception]]) -> None:
        super().__init__(script)
        self.inside: list[list[str]] = []

    def argv(self, argv: Sequence[str]) -> list[str]:
        return list(argv[4:] if list(argv[:3]) == EXEC else argv)

    def run(
        self,
        argv: Sequence[str],
        *,
        stdin: str | None = None,
        check: bool = True,
        timeout: float | None = None,
        env: Mapping[str, str] | None = None,
    ) -> Completed:
        if list(argv[:3]) != EXEC or looked(argv):
            return super().run(argv, stdin=stdin, check=check, timeout=timeout, env=env)
        self.inside.append(list(argv[4:]))
        return Runner().run(argv[4:], stdin=stdin, check=check, timeout=timeout, env=env)


def showing(*nodes: Mapping[str, Any], script: Sequence[tuple[Sequence[str], Completed | str | Exception]] = ()) -> Any:
    """The answers of an engine that has these node containers, as inspect shows them; script: further ones."""
    listed = "".join("id\n" for _node in nodes)
    return ScriptedRunner([(["docker", "ps"], listed), (["docker", "inspect"], json.dumps(nodes)), *script])


def here(path: object, node: str = "n") -> NodeDirectory:
    """A directory of this host as a directory inside a node."""
    return NodeDirectory(node, str(path), Runner())
