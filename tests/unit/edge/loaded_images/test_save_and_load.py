"""Images are saved from nodes, and loaded into the nodes of another cluster."""

from __future__ import annotations

import os
import shutil
import stat
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.kindlab.volumes.plugins.module_utils._core.clock import Deadline
from ansible_collections.kindlab.volumes.plugins.module_utils._core.errors import (
    BadInput,
    CommandFailed,
    Conflict,
    Declined,
    TimedOut,
)
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kind.nodes import Node
from ansible_collections.kindlab.volumes.plugins.module_utils._core.loaded_images.plan import Plan
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.engine import Engine
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.loaded_images import archive, store
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.loaded_images import look as looking
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.loaded_images.load import load_images
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.loaded_images.save import save_images
from ansible_collections.kindlab.volumes.tests.unit.support.containerd import (
    Containerd,
    Machine,
    Pipes,
    image,
    index,
)

PLANE, WORKER, WORKER2 = "k-control-plane", "k-worker", "k-worker2"
OWN, SHOP, TOOL = image(b"own"), image(b"shop" * 1000, b"base"), image(b"tool", b"base")
AMD, ARM = image(b"amd"), image(b"arm", architecture="arm64")
BOTH = index(amd64=AMD[0], arm64=ARM[0])
READ = archive.read_archive
ROLES = {PLANE: "control-plane", WORKER: "worker"}


@pytest.fixture(autouse=True)
def _on_amd64(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "uname", lambda: os.uname_result(("", "", "", "", "x86_64")))
    monkeypatch.setattr(looking, "PAUSE", 0)


def fresh(*, workers: int = 1) -> Machine:
    made = {name: Containerd() for name in (PLANE, WORKER, WORKER2)[: workers + 1]}
    for node in made.values():
        node.load("pause:3", OWN, own=True)
    return Machine(**made)


@pytest.fixture
def old() -> Machine:
    machine = fresh()
    for node in machine.nodes.values():
        node.load("shop:1", SHOP)
        node.load("shop:stable", SHOP)
    machine.nodes[WORKER].load("tool:1", TOOL)
    return machine


def save(machine: Machine, path: Path, mode: str = "loaded", **options: Any) -> tuple[Plan, Pipes]:
    pipes = Pipes(machine)
    nodes = machine.of(*machine.nodes)
    return save_images(Engine("docker", machine), nodes, str(path), mode, tee=pipes, **options), pipes


def load(
    machine: Machine, path: Path, rows: list[dict[str, Any]], seconds: float = 5.0, broken: int = 0, **before: str
) -> tuple[list[dict[str, Any]], Pipes]:
    pipes, nodes = Pipes(machine, broken), machine.of(*machine.nodes)
    engine, deadline = Engine("docker", machine), Deadline(seconds)
    return load_images(engine, nodes, str(path), rows, before or ROLES, deadline, tee=pipes), pipes


def test_saved_and_loaded(old: Machine, tmp_path: Path) -> None:
    planned, pipes = save(old, tmp_path)
    assert len(pipes.read) == 2
    files = sorted((tmp_path / "images").glob("*.tar"))
    assert [file.name for file in files] == sorted(f"{digest[7:]}.tar" for digest in (SHOP[0], TOOL[0]))
    assert {stat.S_IMODE(file.stat().st_mode) for file in files} == {0o600}
    new = fresh()
    rows, pipes = load(new, tmp_path, planned.index)
    assert {name: node.names for name, node in new.nodes.items()} == {n: o.names for n, o in old.nodes.items()}
    assert sorted((row["names"], row["loaded"], row["present"], row["missing"]) for row in rows) == [
        (["shop:1", "shop:stable"], [PLANE, WORKER], [], []),
        (["tool:1"], [WORKER], [], []),
    ]
    assert sorted(nodes for nodes, _size in pipes.imported) == [[PLANE], [WORKER]]
    again, pipes = load(new, tmp_path, planned.index)
    assert pipes.imported == [] and all(not row["loaded"] for row in again)


def test_nodes_that_lack_the_same_get_one_stream_with_each_blob_once(tmp_path: Path) -> None:
    machine = fresh()
    for node in machine.nodes.values():
        node.load("shop:1", SHOP)
        node.load("tool:1", TOOL)
    planned, _pipes = save(machine, tmp_path)
    new = fresh(workers=2)
    _rows, pipes = load(new, tmp_path, planned.index)
    [(nodes, size)] = pipes.imported
    assert nodes == [PLANE, WORKER, WORKER2]
    archives = sum(file.stat().st_size for file in (tmp_path / "images").glob("*.tar"))
    assert size < archives


def test_a_second_save_writes_nothing(old: Machine, tmp_path: Path) -> None:
    first, _pipes = save(old, tmp_path)
    before = {file: file.stat().st_mtime_ns for file in (tmp_path / "images").iterdir()}
    again, pipes = save(old, tmp_path)
    assert (again.index, again.bytes, pipes.read) == (first.index, 0, [])
    assert {file: file.stat().st_mtime_ns for file in (tmp_path / "images").iterdir()} == before


def test_check_mode_says_what_the_run_does_and_writes_nothing(old: Machine, tmp_path: Path) -> None:
    told, pipes = save(old, tmp_path / "new", check_mode=True)
    assert pipes.read == [] and not (tmp_path / "new").exists()
    done, _pipes = save(old, tmp_path / "new")
    assert (told.index, told.bytes) == (done.index, done.bytes) and told.bytes > 4000


def test_none_asks_no_node(old: Machine, tmp_path: Path) -> None:
    planned, _pipes = save(old, tmp_path, "none")
    assert planned.index == [] and old.ran == [] and not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    "damage",
    [
        pytest.param(lambda content: content[:100] + b"damaged!" + content[108:], id="header"),
        pytest.param(lambda content: content.replace(b"shopshop", b"shipshop", 1), id="layer"),
        pytest.param(lambda content: content.replace(SHOP[0].encode(), TOOL[0].encode()), id="index"),
        pytest.param(lambda content: content[: content.index(b"shopshop") + 9], id="truncated"),
        pytest.param(lambda _content: b"", id="empty"),
    ],
)
def test_a_damaged_archive_is_written_again_and_never_loaded(
    old: Machine, tmp_path: Path, damage: Callable[[bytes], bytes]
) -> None:
    planned, _pipes = save(old, tmp_path)
    file = tmp_path / "images" / f"{SHOP[0][7:]}.tar"
    file.write_bytes(damage(file.read_bytes()))
    new = fresh()
    with pytest.raises(Declined, match=r"shop:1: The archive .* cannot be used"):
        load(new, tmp_path, planned.index)
    assert "shop:1" not in new.nodes[PLANE].names
    _again, pipes = save(old, tmp_path)
    assert len(pipes.read) == 1
    load(new, tmp_path, planned.index)


def test_an_archive_that_has_not_changed_is_read_once(
    old: Machine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    planned, _pipes = save(old, tmp_path)
    files = sorted((tmp_path / "images").glob("*.tar"))
    monkeypatch.setattr(archive, "SETTLED_SECONDS", -60)
    reads = []
    monkeypatch.setattr(archive, "read_archive", lambda file, *rest: reads.append(file) or READ(file, *rest))
    save(old, tmp_path)
    load(fresh(), tmp_path, list(planned.index))
    assert sorted(reads) == files
    # A copy with the same content and time is another file.
    shutil.copy2(files[0], tmp_path / "copy")
    os.replace(tmp_path / "copy", files[0])
    load(fresh(), tmp_path, list(planned.index))
    assert sorted(reads) == sorted([*files, files[0]])


def test_an_archive_that_is_missing_is_refused(old: Machine, tmp_path: Path) -> None:
    planned, _pipes = save(old, tmp_path)
    (tmp_path / "images" / f"{SHOP[0][7:]}.tar").unlink()
    with pytest.raises(Declined, match="No such file") as raised:
        load(fresh(), tmp_path, planned.index)
    assert "kindlab.volumes.kind_image" in raised.value.next_step


def test_an_archive_that_is_a_link_is_not_read(old: Machine, tmp_path: Path) -> None:
    planned, _pipes = save(old, tmp_path)
    file = tmp_path / "images" / f"{SHOP[0][7:]}.tar"
    file.rename(tmp_path / "elsewhere")
    file.symlink_to(tmp_path / "elsewhere")
    with pytest.raises(Declined, match="symbolic link"):
        load(fresh(), tmp_path, planned.index)


def test_a_node_that_sends_something_else(old: Machine, tmp_path: Path) -> None:
    class Changed(Containerd):
        def tar(self, names: Any) -> bytes:
            return super().tar([*names][:-1])

    old.nodes = {name: Changed(**vars(node)) for name, node in old.nodes.items()}
    with pytest.raises(CommandFailed, match=r"cannot be read from node .*: the node did not send"):
        save(old, tmp_path)
    assert [file.name for file in (tmp_path / "images").iterdir()] == [".lock"]


def test_a_node_whose_blob_is_not_what_its_name_says(old: Machine, tmp_path: Path) -> None:
    class Damaged(Containerd):
        def tar(self, names: Any) -> bytes:
            return super().tar(names).replace(b"shopshop", b"shipshop").replace(b"tool", b"toll")

    old.nodes = {name: Damaged(**vars(node)) for name, node in old.nodes.items()}
    with pytest.raises(CommandFailed, match="is not what its name says"):
        save(old, tmp_path)
    assert [file.name for file in (tmp_path / "images").iterdir()] == [".lock"]


def test_what_a_killed_run_left_is_removed(old: Machine, tmp_path: Path) -> None:
    (tmp_path / "images").mkdir()
    (tmp_path / "images" / ".incomplete-1").write_text("half")
    save(old, tmp_path)
    assert not (tmp_path / "images" / ".incomplete-1").exists()


def test_two_runs_do_not_write_at_once(old: Machine, tmp_path: Path) -> None:
    with store.locked(tmp_path), pytest.raises(Conflict, match="Another run is writing images"):
        save(old, tmp_path)


def test_a_path_that_cannot_be_written(old: Machine, tmp_path: Path) -> None:
    (tmp_path / "images").write_text("a file")
    with pytest.raises(BadInput, match="Cannot write images to"):
        save(old, tmp_path)


def test_a_node_that_does_not_run_is_refused(old: Machine, tmp_path: Path) -> None:
    nodes = (*old.of(PLANE), Node(WORKER, "k", "worker", state="exited"))
    with pytest.raises(Declined, match="k-worker: it is not running, it is exited"):
        save_images(Engine("docker", old), nodes, str(tmp_path), "loaded", tee=Pipes(old))


def test_load_balancers_have_no_images(old: Machine, tmp_path: Path) -> None:
    nodes = (*old.of(*old.nodes), Node("k-external-load-balancer", "k", "external-load-balancer", state="exited"))
    planned = save_images(Engine("docker", old), nodes, str(tmp_path), "loaded", tee=Pipes(old))
    assert len(planned.images) == 2


def test_platforms_that_are_missing_are_not_asked_for(tmp_path: Path) -> None:
    machine = fresh()
    machine.nodes[WORKER].load("both:1", (BOTH[0], {**BOTH[1], **AMD[1]}))
    machine.nodes[WORKER].load("shop:1", SHOP)
    planned, _pipes = save(machine, tmp_path)
    new = fresh()
    load(new, tmp_path, planned.index)
    assert new.nodes[WORKER].names == machine.nodes[WORKER].names


def test_all_platforms_that_are_there_are_kept(tmp_path: Path) -> None:
    machine = fresh()
    machine.nodes[WORKER].load("both:1", (BOTH[0], {**BOTH[1], **AMD[1], **ARM[1]}))
    planned, _pipes = save(machine, tmp_path)
    new = fresh()
    load(new, tmp_path, planned.index)
    assert set(ARM[1]) <= set(new.nodes[WORKER].blobs)


def test_more_names_for_what_the_node_image_brings(tmp_path: Path) -> None:
    def bare() -> Machine:
        machine = fresh()
        for node in machine.nodes.values():
            del node.blobs[list(OWN[1])[2]]
        return machine

    machine = bare()
    machine.nodes[WORKER].names["mirror.example/pause:3"] = OWN[0]
    planned, pipes = save(machine, tmp_path)
    assert pipes.read == []
    new = bare()
    rows, _pipes = load(new, tmp_path, planned.index)
    assert new.nodes[WORKER].names["mirror.example/pause:3"] == OWN[0] and rows[0]["loaded"] == [WORKER]
    other = Machine(**{PLANE: Containerd(), WORKER: Containerd()})
    rows, _pipes = load(other, tmp_path, planned.index)
    assert rows[0]["missing"] == [WORKER] and other.nodes[WORKER].names == {}


def test_an_import_that_fails_once_is_repeated(old: Machine, tmp_path: Path) -> None:
    planned, _pipes = save(old, tmp_path)
    new = fresh()
    load(new, tmp_path, planned.index, broken=2)
    assert new.nodes[WORKER].names == old.nodes[WORKER].names
    with pytest.raises(CommandFailed, match="containerd was restarted"):
        load(fresh(), tmp_path, planned.index, broken=6)


def test_an_import_that_shows_nothing_is_an_error(old: Machine, tmp_path: Path) -> None:
    class Lossy(Containerd):
        def imported(self, data: bytes, *, everything: bool) -> None:
            pass

    planned, _pipes = save(old, tmp_path)
    with pytest.raises(CommandFailed, match="do not list shop:1, shop:stable, tool:1"):
        load(Machine(**{PLANE: Lossy(), WORKER: Lossy()}), tmp_path, planned.index)


def test_nodes_that_come_up_are_waited_for(old: Machine, tmp_path: Path) -> None:
    class Slow(Containerd):
        turns = 3

        def __getattribute__(self, name: str) -> Any:
            if name == "alive":
                self.turns -= 1
                return self.turns < 0
            return super().__getattribute__(name)

    planned, _pipes = save(old, tmp_path)
    new = Machine(**{PLANE: Slow(), WORKER: Containerd()})
    load(new, tmp_path, planned.index)
    assert new.nodes[PLANE].names == {"shop:1": SHOP[0], "shop:stable": SHOP[0]}


def test_a_node_that_does_not_come_up(old: Machine, tmp_path: Path) -> None:
    planned, _pipes = save(old, tmp_path)
    with pytest.raises(TimedOut, match="The container runtime of node k-worker did not answer"):
        load(Machine(**{PLANE: Containerd(), WORKER: Containerd(alive=False)}), tmp_path, planned.index, seconds=0)


def test_unneeded_archives_are_removed(old: Machine, tmp_path: Path) -> None:
    planned, _pipes = save(old, tmp_path)
    archives = sorted(row["archive"] for row in planned.index)
    with store.locked(tmp_path):
        assert store.remove_unneeded(tmp_path, archives) == ()
        assert store.remove_unneeded(tmp_path, archives[:1]) == tuple(archives[1:])
    store.check_present(tmp_path, [*archives[:1], ""])
    with pytest.raises(Conflict, match="was removed by another run"):
        store.check_present(tmp_path, archives)
