"""Container engine: node containers, starting them, saving images, and errors."""

from __future__ import annotations

import json

import pytest

from ansible_collections.kindlab.volumes.plugins.module_utils._core.errors import CommandFailed, Unreachable
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kind.drift import container_drift
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kind.nodes import Mount, Node, Port
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kind.spec import ClusterSpec
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.command import Completed
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.engine import ATTEMPTS, Engine, find_engine
from ansible_collections.kindlab.volumes.tests.unit.support.fakes import ScriptedRunner
from ansible_collections.kindlab.volumes.tests.unit.support.kind_host import CLUSTER, ROLE, containers

NODE = {"role": "control-plane", "image": "n:1", "extraMounts": [{"hostPath": "/h", "containerPath": "/n"}]}


def engine(*script: tuple[list[str], Completed | str | Exception]) -> Engine:
    return Engine("docker", ScriptedRunner(script=script))


def test_nodes() -> None:
    shown = json.dumps(containers({"name": "lab", "nodes": [NODE]}))
    found = engine((["docker", "ps"], "c1\n"), (["docker", "inspect", "c1"], shown)).nodes("lab")
    assert found == (
        Node(
            "lab-control-plane",
            "lab",
            "control-plane",
            image="n:1",
            image_id="id of n:1",
            mounts=(
                Mount("/lib/modules", "/lib/modules", read_only=True, propagation="rprivate"),
                Mount("/n", "/h", propagation="rprivate"),
                Mount("/run", "", kind="tmpfs"),
                Mount("/tmp", "", kind="tmpfs"),
                Mount("/var", "/engine/volumes/x/_data", kind="volume"),
            ),
            ports=(Port(6443, 45000, "127.0.0.1"),),
        ),
    )


def test_no_nodes_need_no_second_call() -> None:
    assert engine((["docker", "ps"], "")).nodes() == ()


@pytest.mark.parametrize(
    ("answer", "message", "step"),
    [
        (Completed(1, err="permission denied while trying to connect"), "denies access to this user", "usermod"),
        (Completed(1, err="Cannot connect to the Docker daemon"), "does not answer", "Start the engine"),
        (CommandFailed("The program docker is not on this host."), "not on this host", "role kindlab.volumes.engine"),
    ],
)
def test_an_engine_that_does_not_answer(answer: Completed | Exception, message: str, step: str) -> None:
    with pytest.raises(Unreachable, match=message) as raised:
        engine((["docker", "ps"], answer)).nodes("lab")
    assert step in raised.value.next_step


def test_starting() -> None:
    runner = ScriptedRunner(script=((["docker", "start"], ""), (["docker", "unpause"], "")))
    states = {"a": "running", "b": "exited", "c": "paused", "d": "created"}
    Engine("docker", runner).start([Node(name, "lab", "worker", state) for name, state in states.items()])
    assert runner.calls == [["docker", "unpause", "c"], ["docker", "start", "b", "d"]]


@pytest.mark.parametrize(
    ("name", "argv"),
    [
        ("docker", ["docker", "save", "a", "b"]),
        ("podman", ["podman", "save", "--format", "docker-archive", "--multi-image-archive", "a", "b"]),
    ],
)
def test_saving(name: str, argv: list[str]) -> None:
    assert Engine(name, ScriptedRunner()).save_argv(["a", "b"]) == argv


def test_the_engine_that_kind_would_take(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KIND_EXPERIMENTAL_PROVIDER", "podman")
    assert find_engine("auto", ScriptedRunner()).name == "podman"
    assert find_engine("nerdctl", ScriptedRunner()).name == "nerdctl"


# A node as nerdctl before 2.1.4 shows it.
OF_NERDCTL = {
    "Id": "c1",
    "Created": "2026-11-30T00:00:00Z",
    "Path": "/usr/local/bin/entrypoint",
    "Args": ["/sbin/init"],
    "State": {"Status": "running", "Running": True, "ExitCode": 0, "FinishedAt": ""},
    "Image": "docker.io/kindest/node:v1.34.4",
    "Name": "lab-control-plane",
    "Platform": "linux",
    "Mounts": [{"Type": "bind", "Source": "/h", "Destination": "/n", "Mode": "", "RW": True, "Propagation": ""}],
    "Config": {"Hostname": "lab-control-plane", "Labels": {CLUSTER: "lab", ROLE: "control-plane"}},
    "NetworkSettings": {"Ports": {"6443/tcp": [{"HostIp": "127.0.0.1", "HostPort": "45000"}]}},
}


def test_what_an_old_nerdctl_does_not_show_is_no_drift() -> None:
    runner = ScriptedRunner(script=((["nerdctl", "ps"], "c1\n"), (["nerdctl", "inspect"], json.dumps([OF_NERDCTL]))))
    (node,) = Engine("nerdctl", runner).nodes("lab")
    assert (node.image, node.unknown) == ("docker.io/kindest/node:v1.34.4", ("image", "ports"))
    assert node.container == "c1"
    mount = {"host_path": "/h", "node_path": "/n"}
    options = {"name": "lab", "control_planes": 1, "image": "kindest/node:v9", "ports": [{"node_port": 80}]}
    assert container_drift(ClusterSpec.from_options({**options, "mounts": [mount]}), (node,), {}) == ()
    assert len(container_drift(ClusterSpec.from_options(options), (node,), {})) == 1


@pytest.mark.parametrize("shown", ["", "7", '{"a": 1}', "[1]", '[{"Name": 1}]', '[{"State": {}}]'])
def test_an_engine_that_shows_something_else(shown: str) -> None:
    with pytest.raises(Unreachable, match="in a form that is not known"):
        engine((["docker", "ps"], "c1\n"), (["docker", "inspect", "c1"], shown)).nodes("lab")


@pytest.mark.parametrize("times", range(1, ATTEMPTS + 1))
def test_a_container_that_is_deleted_while_nodes_are_listed(times: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """An engine shows it in its lists for a moment longer."""
    pauses: list[float] = []
    monkeypatch.setattr("time.sleep", pauses.append)
    left = iter(range(times))

    class Leaving(ScriptedRunner):
        def run(self, argv, **options):
            if argv[1] == "inspect" and next(left, None) is not None:
                if options["check"]:
                    raise CommandFailed("Error: No such object: gone")
                return Completed(1, "[]", "Error: No such object: gone")
            return super().run(argv, **options)

    shown = json.dumps(containers({"name": "lab", "nodes": [NODE]}))
    found = Engine("docker", Leaving([(["docker", "ps"], "a gone\n"), (["docker", "inspect"], shown)]))
    if times == ATTEMPTS:
        with pytest.raises(CommandFailed, match="No such object: gone"):
            found.nodes()
    else:
        assert [node.name for node in found.nodes()] == ["lab-control-plane"]
    assert sum(pauses) > 1 if times >= ATTEMPTS - 1 else sum(pauses) < 1
