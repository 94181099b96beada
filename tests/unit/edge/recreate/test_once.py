"""An engine is asked for its nodes, and each node is looked at, once while nothing is changed."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import pytest

from ansible_collections.kindlab.volumes.plugins.module_utils._edge.command import Completed
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.engine import Engine
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.identity.look import look_at_nodes
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.recreate.once import OnceRunner
from ansible_collections.kindlab.volumes.tests.unit.support.fakes import ScriptedRunner
from ansible_collections.kindlab.volumes.tests.unit.support.kind_host import KindHost, containers


def test_nodes_are_listed_and_looked_at_once() -> None:
    host = KindHost()
    host.nodes = containers({"name": "lab", "nodes": [{"role": "control-plane"}, {"role": "worker"}]})
    engine = Engine("docker", OnceRunner(host))
    seen = [(engine.nodes("lab"), look_at_nodes(engine, engine.nodes("lab"))) for _turn in range(2)]
    assert seen[0] == seen[1] and len(seen[0][0]) == 2
    assert [call[:2] for call in host.calls] == [["docker", verb] for verb in ("ps", "inspect", "exec", "exec")]
    assert engine.nodes("other") == ()


def test_other_commands_and_failures_are_not_remembered() -> None:
    script = ((["docker", "ps"], Completed(1, err="busy")), (["docker", "exec"], ""), (["docker", "image"], ""))
    host = ScriptedRunner(script=script)
    once = OnceRunner(host)
    for _turn in range(2):
        once.run(["docker", "ps"], check=False)
        once.run(["docker", "exec", "-i", "node", "true"])
        once.run(["docker", "image", "inspect", "x"])
    assert len(host.calls) == 6


def test_a_list_with_a_container_that_is_gone_is_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("time.sleep", lambda _seconds: None)
    shown = json.dumps(containers({"name": "lab", "nodes": [{"role": "control-plane"}]}))

    class Leaving(ScriptedRunner):
        def run(self, argv: Sequence[str], **options: Any) -> Completed:
            if argv[1] == "inspect" and "gone" in argv:
                self.script = [(["docker", "ps"], "a\n"), (["docker", "inspect"], shown)]
                return Completed(1, "[]", "Error: No such object: gone")
            return super().run(argv, **options)

    engine = Engine("docker", OnceRunner(Leaving([(["docker", "ps"], "a gone\n")])))
    assert [node.name for node in engine.nodes()] == ["lab-control-plane"]
