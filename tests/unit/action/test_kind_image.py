"""Loading images into in-memory nodes."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any, ClassVar

import pytest

from ansible_collections.kindlab.volumes.plugins.module_utils._action.kind_image import run
from ansible_collections.kindlab.volumes.plugins.module_utils._core.errors import BadInput, CommandFailed
from ansible_collections.kindlab.volumes.plugins.module_utils._core.outcome import Outcome
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.command import Completed
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.images.tee import Readable, Tee
from ansible_collections.kindlab.volumes.tests.unit.support.image_archives import archive
from ansible_collections.kindlab.volumes.tests.unit.support.kind_host import KindHost, containers

IMPORT = ["ctr", "--namespace=k8s.io", "images", "import", "--all-platforms", "--digests", "--snapshotter=native", "-"]


class Host(KindHost):
    """A cluster whose nodes have images: {node: {name: digest of the manifest}}."""

    def __init__(self, planes: int = 1) -> None:
        super().__init__()
        roles = ["control-plane"] * planes + ["worker"]
        self.nodes = containers({"name": "lab", "nodes": [{"role": role} for role in roles]})
        self.inside: dict[str, dict[str, str]] = {n["Name"].lstrip("/"): {} for n in self.nodes}

    def run(self, argv: Sequence[str], **rest: Any) -> Completed:
        if list(argv[:3]) != ["docker", "exec", "-i"]:
            return super().run(argv, **rest)
        node, command = argv[3], list(argv[4:])
        if command == ["uname", "-m"]:
            return Completed(0, "aarch64\n")
        if command[0] == "containerd":
            return Completed(0, '[plugins."io.containerd.grpc.v1.cri".containerd]\nsnapshotter = "native"\n')
        assert command == ["ctr", "--namespace=k8s.io", "images", "list"]
        return Completed(0, "REF TYPE DIGEST\n" + "".join(f"{k} t {v}\n" for k, v in self.inside[node].items()))


class Stream(Tee):
    """Imports what is streamed: 'NAME=ID ...' from the engine, or an archive."""

    def __init__(self, host: Host) -> None:
        self.host = host
        self.passes: list[tuple[bytes, list[str]]] = []

    def copy_to(self, source: Readable, programs: Mapping[str, Sequence[str]]) -> None:
        data = source.read(-1)
        self.passes.append((data, sorted(programs)))
        for node, argv in programs.items():
            assert list(argv) == ["docker", "exec", "-i", node, *IMPORT]
            for name, image_id in self.content(data):
                self.host.inside[node][name] = self.host.inside[node][image_id] = f"manifest of {image_id}".replace(
                    " ", "-"
                )

    def content(self, data: bytes) -> Iterator[tuple[str, str]]:
        words = (
            data.decode().split()
            if data.startswith(b"registry.example")
            else ["registry.example/library/a:1=sha256:ab"]
        )
        for word in words:
            name, _equals, image_id = word.partition("=")
            yield name, image_id

    @contextmanager
    def output_of(self, argv: Sequence[str]) -> Iterator[IO[bytes]]:
        assert list(argv[:2]) == ["docker", "save"]
        saved = " ".join(f"registry.example/library/{name}={self.host.images[name]}" for name in argv[2:])
        yield io.BytesIO(saved.encode())


def load(host: Host, check_mode: bool = False, **options: Any) -> tuple[Outcome, Stream]:
    stream, asked = Stream(host), {"engine": "docker", "cluster": "lab", **options}
    return run(asked, check_mode, runner=host, tee=stream, settle_seconds=0), stream


def predicted(host: Host, **options: Any) -> tuple[Outcome, Stream]:
    told, nothing = load(host, True, **options)
    done, stream = load(host, **options)
    assert nothing.passes == []
    assert (told.changed, told.before, told.after, told.facts) == (done.changed, done.before, done.after, done.facts)
    return done, stream


def test_images_into_the_nodes_that_lack_them() -> None:
    host = Host()
    host.images = {"a:1": "sha256:a", "b:1": "sha256:b"}
    host.inside["lab-worker"] = {"registry.example/library/a:1": "m", "sha256:a": "m"}
    done, stream = predicted(host, images=["a:1", "b:1"])
    assert [(i["source"], i["loaded"], i["present"]) for i in done.facts["images"]] == [
        ("a:1", ["lab-control-plane"], ["lab-worker"]),
        ("b:1", ["lab-control-plane", "lab-worker"], []),
    ]
    assert [nodes for _data, nodes in stream.passes] == [["lab-control-plane"], ["lab-control-plane", "lab-worker"]]
    assert done.before == {"a:1": ["lab-worker"], "b:1": []}
    again, stream = predicted(host, images=["a:1", "b:1"])
    assert not again.changed and stream.passes == []


def test_images_that_the_same_nodes_lack_go_in_one_pass() -> None:
    host = Host()
    host.images = {"a:1": "sha256:a", "b:1": "sha256:b"}
    _done, stream = load(host, images=["a:1", "b:1", "a:1"])
    assert stream.passes == [
        (
            b"registry.example/library/a:1=sha256:a registry.example/library/b:1=sha256:b",
            ["lab-control-plane", "lab-worker"],
        )
    ]


def test_an_image_that_was_built_again_is_loaded_again() -> None:
    host = Host()
    host.images = {"a:1": "sha256:a"}
    load(host, images=["a:1"])
    host.images = {"a:1": "sha256:new"}
    assert predicted(host, images=["a:1"])[0].changed
    assert not predicted(host, images=["a:1"])[0].changed


def test_only_some_nodes() -> None:
    host = Host()
    host.images = {"a:1": "sha256:a"}
    done, _stream = predicted(host, images=["a:1"], nodes=["lab-worker"])
    assert done.after == {"a:1": ["lab-worker"]} and host.inside["lab-control-plane"] == {}


def test_the_load_balancer_is_no_node_for_images() -> None:
    host = Host(planes=2)
    host.images = {"a:1": "sha256:a"}
    done, _stream = load(host, images=["a:1"])
    assert done.facts["images"][0]["loaded"] == ["lab-control-plane", "lab-control-plane2", "lab-worker"]


def test_an_archive(tmp_path: Path) -> None:
    host, path = Host(), tmp_path / "a.tar"
    path.write_bytes(archive({"manifest.json": json.dumps([{"Config": "ab.json", "RepoTags": ["a:1"]}]).encode()}))
    done, stream = predicted(host, archives=[str(path)])
    assert done.facts["images"] == [
        {
            "source": str(path),
            "names": ["a:1"],
            "ids": ["sha256:ab"],
            "loaded": ["lab-control-plane", "lab-worker"],
            "present": [],
        }
    ]
    assert stream.passes[0][0] == path.read_bytes()
    assert not predicted(host, archives=[str(path)])[0].changed


def test_the_same_content_under_the_name_of_another_registry() -> None:
    host = Host()
    host.images = {"a:1": "sha256:a", "other.example/a:1": "sha256:a", "third.example/a:1": "sha256:b"}
    host.inside["lab-worker"] = {"registry.example/library/a:1": "m", "sha256:a": "m", "third.example/a:1": "n"}
    host.inside["lab-worker"]["sha256:b"] = "n"
    told, _stream = load(host, True, images=[*host.images], nodes=["lab-worker"])
    assert [(image["source"], image["names"], image["loaded"]) for image in told.facts["images"]] == [
        ("a:1", ["a:1"], []),
        ("other.example/a:1", ["a:1"], ["lab-worker"]),
        ("third.example/a:1", ["a:1"], []),
    ]


@pytest.mark.parametrize("by", ["images", "archives"])
def test_content_of_other_platforms_need_not_be_there(tmp_path: Path, by: str) -> None:
    class Partial(Stream):
        options: ClassVar[list[str]] = []

        def copy_to(self, source: Readable, programs: Mapping[str, Sequence[str]]) -> None:
            self.options.append(next(iter(programs.values()))[8])
            if self.options[-1] == "--all-platforms":
                source.read(1)
                raise CommandFailed("docker failed: ctr: content digest sha256:0: not found")
            super().copy_to(source, {n: [*a[:8], "--all-platforms", *a[9:]] for n, a in programs.items()})

    host, path = Host(), tmp_path / "a.tar"
    host.images = {"a:1": "sha256:ab"}
    path.write_bytes(archive({"manifest.json": json.dumps([{"Config": "ab.json", "RepoTags": ["a:1"]}]).encode()}))
    stream, given = Partial(host), {"images": ["a:1"], "archives": [str(path)]}
    asked = {"engine": "docker", "cluster": "lab", by: given[by]}
    done = run(asked, False, runner=host, tee=stream, settle_seconds=0)
    assert done.facts["images"][0]["loaded"] == ["lab-control-plane", "lab-worker"] and not done.warnings
    assert stream.options == ["--all-platforms", "--platform=linux/arm64"]
    assert "registry.example/library/a:1" in host.inside["lab-worker"]


def test_another_failure_of_an_import_is_not_tried_again() -> None:
    class Broken(Stream):
        def copy_to(self, source: Readable, programs: Mapping[str, Sequence[str]]) -> None:
            self.passes.append((source.read(1), [*programs]))
            raise CommandFailed("docker failed: no space left on device")

    host = Host()
    host.images = {"a:1": "sha256:a"}
    stream = Broken(host)
    with pytest.raises(CommandFailed, match="no space left"):
        run({"engine": "docker", "cluster": "lab", "images": ["a:1"]}, False, runner=host, tee=stream)
    assert len(stream.passes) == 1


def test_a_load_that_does_not_show_is_warned_of() -> None:
    class Lossy(Stream):
        def content(self, data: bytes) -> Iterator[tuple[str, str]]:
            yield from ((name, "sha256:other") for name, _id in super().content(data))

    host = Host()
    host.images = {"a:1": "sha256:a"}
    done = run(
        {"engine": "docker", "cluster": "lab", "images": ["a:1"]},
        False,
        runner=host,
        tee=Lossy(host),
        settle_seconds=0,
    )
    assert "different content" in done.warnings[0]


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"images": ["none:1"]}, "docker has no image none:1"),
        ({"images": ["a:1"], "nodes": ["lab-worker7"]}, "lab-worker7 is not part of cluster lab"),
        ({"images": ["a:1"], "cluster": "other"}, "cluster other does not exist"),
        ({"images": ["a:1"], "cluster": "Not_one"}, "is not a valid name"),
        ({"archives": ["/nowhere.tar"]}, "/nowhere.tar does not exist"),
        ({"images": []}, "images and archives are both empty"),
    ],
)
def test_what_is_refused(options: dict[str, Any], said: str) -> None:
    host = Host()
    host.images = {"a:1": "sha256:a"}
    for check_mode in (True, False):
        with pytest.raises(BadInput, match=said):
            load(host, check_mode, **options)


def test_a_node_that_does_not_run() -> None:
    host = Host()
    host.images = {"a:1": "sha256:a"}
    host.nodes[1]["State"]["Status"] = "exited"
    with pytest.raises(BadInput, match="lab-worker is not running"):
        load(host, images=["a:1"])
    assert load(host, images=["a:1"], nodes=["lab-control-plane"])[0].changed
