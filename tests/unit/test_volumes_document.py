"""docs/volumes.md: each cell of its table is what the actions do with a volume of that kind."""

from __future__ import annotations

import contextlib
import re
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from ansible_collections.kindlab.volumes.plugins.module_utils._core.errors import Declined, KindlabError
from ansible_collections.kindlab.volumes.plugins.module_utils._core.local_data.manifests import LABEL
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.backup.reader import read_backup
from ansible_collections.kindlab.volumes.tests.unit.support.kinds_of_volumes import (
    KINDS,
    OTHERS,
    WORKER,
    Kind,
    World,
    directory,
    inside,
)
from ansible_collections.kindlab.volumes.tests.unit.support.workloads import workload

DOCUMENT = Path(__file__).resolve().parents[2] / "docs" / "volumes.md"
COLUMNS = ["info", "detach", "backup", "restore", "replace", "recreate", "absent"]
Check = Callable[[World, Kind], None]


def table() -> dict[str, dict[str, str]]:
    """Kind -> column -> text, of all tables of the document that begin with a column `kind`."""
    found: dict[str, dict[str, str]] = {}
    header: list[str] = []
    for line in DOCUMENT.read_text().splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")] if line.startswith("|") else []
        if cells[:1] == ["kind"]:
            header = cells[1:]
        elif cells and header and not set(line) <= set("|- "):
            found[cells[0]] = dict(zip(header, cells[1:], strict=True))
        elif not cells:
            header = []
    return found


TABLE = table()
CELLS = [
    pytest.param(kind, column, made, id=f"{kind}{variant and f' ({variant})'}: {column}")
    for kind, row in TABLE.items()
    for variant, made in {"": KINDS.get(kind), **OTHERS.get(kind, {})}.items()
    for column in row
]


@pytest.fixture
def worlds(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[Kind], World]:
    def make(kind: Kind) -> World:
        world = World(tmp_path, monkeypatch, kind.roles)
        world.run()
        kind.make(world)
        return world

    return make


@pytest.mark.parametrize(("kind", "column", "made"), CELLS)
def test_a_cell_is_what_happens(kind: str, column: str, made: Kind, worlds: Callable[[Kind], World]) -> None:
    text = TABLE[kind][column]
    check = NOTHING[column] if text == "-" else CHECKS[column][text]
    check(worlds(made), made)


def test_the_document_has_these_kinds_and_actions() -> None:
    assert list(TABLE) == list(KINDS)
    assert all(list(row) == COLUMNS for row in TABLE.values())
    assert set(OTHERS) < set(KINDS)


def test_every_check_is_used() -> None:
    told = {column: {row[column] for row in TABLE.values()} for column in COLUMNS}
    checked = {column: {*checks, *({"-"} if column in NOTHING else ())} for column, checks in CHECKS.items()}
    assert told == checked


# What of a refusal is about the data itself: neither that it is in use, nor that no backup has the objects.
LOSING = re.compile("deleted with the node|policy is Delete|being deleted|cannot be compared with the host|is missing")


@pytest.mark.parametrize("saved", [False, True], ids=["no backup", "backup"])
@pytest.mark.parametrize("kind", [*KINDS.values(), *(kind for others in OTHERS.values() for kind in others.values())])
def test_what_survives_is_what_the_deletion_decides(kind: Kind, saved: bool, worlds: Callable[[Kind], World]) -> None:
    world = worlds(kind)
    if saved:
        with contextlib.suppress(KindlabError):
            world.back_up(data=kind.data)
    backup = {"backup": str(world.backup)} if saved else {}
    try:
        world.run(True, state="absent", **backup)
        why: dict[str, str] = {}
    except Declined as error:
        why = {}
        for row in error.details:
            why[row["name"]] = f"{why.get(row['name'], '')}; {row['why']}"
    told = world.info(verify="full", backup_path=str(world.backup) if saved else None).facts["volumes"]
    for row in told:
        if row["survives"] == "no" and not row["ephemeral"]:
            assert LOSING.search(why[row["name"]]), row
        elif row["survives"] == "yes":
            assert not LOSING.search(why.get(row["name"], "")), row
    cheap = world.info(backup_path=str(world.backup) if saved else None).facts["volumes"]
    for row, full in zip(cheap, told, strict=True):
        assert row["survives"] in ("unknown", full["survives"]), row


def test_what_only_the_deletion_would_lose_is_refused_before_anything_is_stopped(
    worlds: Callable[[Kind], World],
) -> None:
    """Data that belongs to the host needs no backup, but here it is inside a node."""

    def make(world: World) -> None:
        inside(world)
        pv = world.api.get("PersistentVolume", "v")
        pv["metadata"]["labels"] = {LABEL: "library"}
        world.put(pv)

    world = worlds(Kind(make))
    writes = len(world.host.writes())
    for check_mode in (True, False):
        with pytest.raises(Declined, match="is deleted with the node"):
            world.recreate(check_mode=check_mode, data="archive")
    assert len(world.host.writes()) == writes
    assert replicas(world) == 1 and policies(world, Kind(make)) == {"Delete"}


@pytest.mark.parametrize("kind", ["Deployment", "DaemonSet"])
def test_what_a_pod_wrote_into_its_node_without_a_volume(worlds: Callable[[Kind], World], kind: str) -> None:
    """Agents keep a state of their node; anything else is data that no backup has."""

    def make(world: World) -> None:
        directory(world.inside / "own")
        for node in world.host.nodes:
            # What is below /tmp of this machine stands for a directory on the node's disk.
            node["HostConfig"]["Tmpfs"] = {}
        item = workload(kind, "writer")
        pod = item["spec"]["template"]["spec"]
        pod["volumes"] = [{"name": "own", "hostPath": {"path": str(world.inside / "own")}}]
        pod["containers"] = [{"name": "c", "image": "i", "volumeMounts": [{"name": "own", "mountPath": "/own"}]}]
        world.put(item)

    world = worlds(Kind(make))
    path, writes = str(world.inside / "own"), len(world.host.writes())
    if kind == "Deployment":
        for check_mode in (True, False):
            with pytest.raises(Declined, match=rf"{path}: Deployment ns/writer writes to it") as caught:
                world.recreate(check_mode=check_mode)
            assert f"accept_loss=['{path}']" in caught.value.next_step
        error = world.refused(Declined, state="absent")
        assert [row["name"] for row in error.details] == [path]
        assert len(world.host.writes()) == writes
    accepted = [path] if kind == "Deployment" else None
    told = world.recreate(check_mode=True, accept_loss=accepted).warnings
    gone = world.run(state="absent", accept_loss=accepted)
    assert world.host.nodes == []
    for warnings in (told, gone.warnings):
        assert any(f"{path}: DaemonSet ns/writer writes to it" in text for text in warnings) is (kind == "DaemonSet")


def rows(world: World) -> dict[str, dict[str, object]]:
    return {row["name"]: row for row in world.info().facts["volumes"]}


def shown(world: World, kind: Kind) -> None:
    found = rows(world)
    assert set(found) == set(kind.volumes)
    for name in kind.volumes:
        assert found[name]["source"]


def node_only(world: World, _kind: Kind) -> None:
    assert rows(world)["v"]["host_directory"] == ""


def where_shown(world: World, kind: Kind) -> None:
    assert kind.where in str(rows(world)["v"])


def shown_as_ephemeral(world: World, _kind: Kind) -> None:
    assert rows(world)["v"]["ephemeral"] is True


def warned(world: World, _kind: Kind) -> None:
    assert any("ns/c" in warning for warning in world.info().warnings)


def nodes_shown(world: World, _kind: Kind) -> None:
    assert rows(world)["v"]["nodes"] == [WORKER]


def directories_shown(world: World, _kind: Kind) -> None:
    assert rows(world)["v"]["host_directories"] == {WORKER: str(world.data / "v")}


def replicas(world: World) -> int:
    found = world.api.get("Deployment", "app", "ns")
    return int(found["spec"]["replicas"])


def policies(world: World, kind: Kind) -> set[str]:
    found = (world.api.get("PersistentVolume", name) for name in kind.volumes)
    return {item["spec"]["persistentVolumeReclaimPolicy"] for item in found}


def detached(world: World, kind: Kind) -> None:
    planned = world.detach(check_mode=True)
    assert replicas(world) == 1
    done = world.detach()
    assert planned.changed and done.changed
    assert replicas(world) == 0 and not world.api.list("Pod")
    assert {row["name"]: row["in_use_by"] for row in done.facts["volumes"]} == {name: [] for name in kind.volumes}
    assert policies(world, kind) == {"Retain"}
    world.detach(state="attached")
    assert replicas(world) == 1
    assert policies(world, kind) == {"Delete"}


def detached_by_attachments(world: World, kind: Kind) -> None:
    attachment = {
        "apiVersion": "storage.k8s.io/v1",
        "kind": "VolumeAttachment",
        "metadata": {"name": "csi-1"},
        "spec": {"attacher": "a", "nodeName": WORKER, "source": {"persistentVolumeName": "v"}},
        "status": {"attached": True},
    }
    world.put(attachment)
    with pytest.raises(KindlabError, match="VolumeAttachment"):
        world.detach(wait_timeout=1)
    world.api.delete("VolumeAttachment", "csi-1")
    world.detach(state="attached")
    detached(world, kind)


def stopped_with_its_pod(world: World, kind: Kind) -> None:
    world.detach()
    assert replicas(world) == 0
    assert policies(world, kind) == {"Delete"}


def nothing_to_stop(world: World, _kind: Kind) -> None:
    assert world.detach().facts["workloads"] == []


def refused_to_stop(world: World, _kind: Kind) -> None:
    for check_mode in (True, False):
        with pytest.raises(Declined, match="ns/c") as caught:
            world.detach(check_mode=check_mode)
    assert "delet" in caught.value.message
    assert replicas(world) == 1


def catalog(world: World) -> dict[str, object]:
    return {volume.name: volume for volume in read_backup(str(world.backup)).catalog.volumes}


def saved_objects(world: World, kind: str) -> set[str]:
    return {item["metadata"]["name"] for item in read_backup(str(world.backup)).objects(kind)}


def saved_either_way(world: World, kind: Kind) -> None:
    world.back_up()
    assert set(catalog(world)) == set(kind.volumes)
    assert all(volume.checksum_list and not volume.archive for volume in catalog(world).values())  # type: ignore[attr-defined]
    world.back_up(data="archive")
    assert all(volume.archive for volume in catalog(world).values())  # type: ignore[attr-defined]
    assert policies(world, kind) == {"Retain"}


def saved_as_archive_only(world: World, _kind: Kind) -> None:
    with pytest.raises(Declined) as caught:
        world.back_up()
    assert "data=archive" in caught.value.next_step
    world.back_up(data="archive")
    assert all(volume.archive for volume in catalog(world).values())  # type: ignore[attr-defined]


def saved_as_manifests(world: World, kind: Kind) -> None:
    for data in ("in_place", "archive"):
        world.back_up(data=data)
        (volume,) = catalog(world).values()
        assert not volume.archive and not volume.checksum_list  # type: ignore[attr-defined]
    assert saved_objects(world, "PersistentVolume") == {"v"}
    assert saved_objects(world, "PersistentVolumeClaim") == set(kind.claims)


def saved_as_manifests_with_warning(world: World, kind: Kind) -> None:
    told = world.back_up().warnings
    assert any(kind.where in warning and "v" in warning for warning in told)
    saved_as_manifests(world, kind)


def not_saved(world: World, kind: Kind) -> None:
    world.back_up()
    assert not list(world.backup.glob("generations/*/manifests/persistentvolumes.yaml"))
    assert policies(world, kind) == {"Delete"}


def not_saved_for_want_of_data(world: World, kind: Kind) -> None:
    for check_mode in (True, False):
        with pytest.raises(KindlabError) as caught:
            world.back_up(check_mode=check_mode)
        assert str(world.data / "missing") in caught.value.text()
    assert not list(world.backup.glob("generations/*"))
    assert policies(world, kind) == {"Delete"}


def not_saved_on_some_nodes(world: World, kind: Kind) -> None:
    for check_mode in (True, False):
        with pytest.raises(Declined, match="k-worker2"):
            world.back_up(check_mode=check_mode)
    assert policies(world, kind) == {"Delete"}


def saved(world: World, kind: Kind) -> None:
    world.back_up()
    assert set(catalog(world)) == set(kind.volumes)
    assert policies(world, kind) == {"Retain"}


def claim_saved(world: World, _kind: Kind) -> None:
    world.back_up()
    assert saved_objects(world, "PersistentVolumeClaim") == {"c"}


def claim_and_workload_saved(world: World, kind: Kind) -> None:
    claim_saved(world, kind)
    assert saved_objects(world, "Workload") == {"app"}


def saved_with_warning(world: World, kind: Kind) -> None:
    assert any("ns/c" in warning or "v" in warning for warning in world.back_up().warnings)
    assert set(catalog(world)) == {"v"}
    assert policies(world, kind) == {"Retain"}


def saved_and_lost(world: World, kind: Kind) -> None:
    world.back_up(data=kind.data)
    world.lose()


def phases(world: World) -> dict[str, str]:
    found = {item["metadata"]["name"]: item["status"]["phase"] for item in world.api.list("PersistentVolume")}
    return found | {
        item["metadata"]["name"]: item["status"]["phase"] for item in world.api.list("PersistentVolumeClaim")
    }


def restored(world: World, kind: Kind) -> None:
    saved_and_lost(world, kind)
    done = world.restore()
    assert {row["name"]: row["checksum"] for row in done.facts["volumes"]} == dict.fromkeys(kind.volumes, "equal")
    assert phases(world) == dict.fromkeys((*kind.volumes, *kind.claims), "Bound")


def restored_if_equal(world: World, kind: Kind) -> None:
    saved_and_lost(world, kind)
    (world.data / "v" / "file").write_text("another")
    with pytest.raises(Declined, match="differs from the backup"):
        world.restore()
    (world.data / "v" / "file").write_text("content")
    done = world.restore(verify="full")
    assert [row["action"] for row in done.facts["volumes"]] == ["create"]
    assert phases(world) == dict.fromkeys((*kind.volumes, *kind.claims), "Bound")


def extracted_in_the_node(world: World, kind: Kind) -> None:
    restored(world, kind)
    assert (world.inside / "v" / "file").read_text() == "content"


def restored_without_comparison(world: World, kind: Kind) -> None:
    saved_and_lost(world, kind)
    done = world.restore()
    assert [row["action"] for row in done.facts["volumes"]] == ["create"]
    assert phases(world) == {"v": "Bound", "c": "Bound"}


def local_data_may_change(world: World, kind: Kind) -> None:
    if kind.make is KINDS["local data"].make:
        world.back_up()
        (world.data / "v" / "more").write_text("added")
    restored_without_comparison(world, kind)


def restored_without_directory(world: World, kind: Kind) -> None:
    saved_and_lost(world, kind)
    world.restore()
    assert phases(world) == {"v": "Available"}
    assert not (world.data / "missing").exists()


def restore_refused(world: World, kind: Kind) -> None:
    """Saved while the directory was there."""
    (world.data / "missing").mkdir(parents=True)
    saved_and_lost(world, kind)
    (world.data / "missing").rmdir()
    for check_mode in (True, False):
        with pytest.raises(Declined, match="does not exist"):
            world.restore(check_mode=check_mode)
    assert phases(world) == {}


def outer_first(world: World, kind: Kind) -> None:
    world.back_up(data="archive")
    world.lose()
    for path in sorted(world.data.rglob("*"), reverse=True):
        path.rmdir() if path.is_dir() else path.unlink()
    world.restore()
    assert (world.data / "v" / "file").read_text() == "content"
    assert (world.data / "v" / "below" / "file").read_text() == "content"
    assert phases(world) == dict.fromkeys((*kind.volumes, *kind.claims), "Bound")


def stays_released(world: World, kind: Kind) -> None:
    saved_and_lost(world, kind)
    world.restore()
    world.api.react(world.api)
    assert phases(world) == {"v": "Released", "w": "Released"}


def claim_left_out(world: World, kind: Kind) -> None:
    saved_and_lost(world, kind)
    assert any("ns/c" in warning for warning in world.restore().warnings)
    assert phases(world) == {}


def claim_created(world: World, kind: Kind) -> None:
    saved_and_lost(world, kind)
    world.restore()
    assert phases(world) == {"c": "Pending"}


def restore_refused_while_terminating(world: World, _kind: Kind) -> None:
    world.back_up()
    before = world.api.writes[:]
    for check_mode in (True, False):
        with pytest.raises(Declined, match="is being deleted"):
            world.restore(check_mode=check_mode)
    assert world.api.writes == before


def nodes_must_exist(world: World, _kind: Kind) -> None:
    world.back_up()
    volume = world.api.get("PersistentVolume", "v")
    world.lose()
    text = "\n".join(path.read_text() for path in world.backup.rglob("persistentvolumes.yaml"))
    assert WORKER in text and volume
    world.api.delete("Node", WORKER)
    world.host.nodes = [node for node in world.host.nodes if node["Name"] != f"/{WORKER}"]
    with pytest.raises(Declined, match=f"its node {WORKER} is not in this cluster"):
        world.restore()
    world.restore(node_map={WORKER: "k-worker2"})
    assert phases(world) == {"v": "Bound", "c": "Bound"}


def label_must_exist(world: World, kind: Kind) -> None:
    saved_and_lost(world, kind)
    for check_mode in (True, False):
        with pytest.raises(Declined, match=r"example\.com/disk"):
            world.restore(check_mode=check_mode)
    node = world.api.get("Node", "k-worker2")
    node["metadata"]["labels"]["example.com/disk"] = "ssd"
    world.put(node)
    world.restore()
    assert phases(world) == {"v": "Bound", "c": "Bound"}


def nodes_must_have_it(world: World, kind: Kind) -> None:
    saved_with_mounts(world, kind, World.lose)
    for check_mode in (True, False):
        with pytest.raises(Declined, match="k-worker2"):
            world.restore(check_mode=check_mode)


def nodes_must_have_what_is_replaced(world: World, kind: Kind) -> None:
    saved_with_mounts(world, kind, lambda world: (world.data / "v" / "file").write_text("another"), data="archive")
    before = world.api.writes[:]
    for check_mode in (True, False):
        with pytest.raises(Declined, match="k-worker2"):
            world.replace(check_mode=check_mode)
    assert world.api.writes == before and replicas(world) == 1
    assert (world.data / "v" / "file").read_text() == "another"


def saved_with_mounts(world: World, kind: Kind, then: Callable[[World], object], **options: str) -> None:
    """Saved from a cluster with the mount in all nodes, of which some lose it again after then."""
    mount = next(m for n in world.host.nodes for m in n["Mounts"] if m["Source"] == str(world.data))
    lacking = [node["Name"] for node in world.host.nodes if mount not in node["Mounts"]]
    for node in world.host.nodes:
        node["Mounts"] += [mount] if node["Name"] in lacking else []
    world.back_up(**{"data": kind.data, **options})
    then(world)
    for node in world.host.nodes:
        if node["Name"] in lacking:
            node["Mounts"] = [mount for mount in node["Mounts"] if mount["Source"] != str(world.data)]


def directories(world: World, kind: Kind) -> list[Path]:
    """The directories of the volumes, on the host or in the node."""
    found = [top / name for top in (world.data, world.inside) for name in (*kind.volumes, "missing")]
    return [path for path in found if path.is_dir()]


def replaced(world: World, kind: Kind) -> None:
    world.back_up(data="archive")
    before = phases(world)
    for path in directories(world, kind):
        (path / "file").write_text("another")
    assert world.replace(check_mode=True).changed
    assert {(path / "file").read_text() for path in directories(world, kind)} == {"another"}
    done = world.replace()
    assert {row["action"] for row in done.facts["volumes"]} == {"replace"}
    for row in done.facts["volumes"]:
        assert (Path(row["set_aside"]) / "file").read_text() == "another"
    assert {(path / "file").read_text() for path in directories(world, kind)} == {"content"}
    assert phases(world) == before
    if world.api.get("Deployment", "app", "ns"):
        assert replicas(world) == 1 and done.facts["workloads"]
    assert not world.replace().changed


def extracted_again(world: World, kind: Kind) -> None:
    """Saved while the directory was there."""
    directory(world.data / "missing")
    world.back_up(data="archive")
    shutil.rmtree(world.data / "missing")
    world.replace()
    assert [(path / "file").read_text() for path in directories(world, kind)] == ["content"]
    assert replicas(world) == 1


def not_replaced(world: World, kind: Kind) -> None:
    world.back_up(data="archive")
    for path in directories(world, kind):
        (path / "file").write_text("another")
    assert not world.replace().changed
    assert {(path / "file").read_text() for path in directories(world, kind)} <= {"another"}


def replacing_refused(world: World, kind: Kind) -> None:
    world.back_up(data="archive")
    for path in directories(world, kind):
        (path / "file").write_text("another")
    before = world.api.writes[:]
    for check_mode in (True, False):
        with pytest.raises(Declined) as caught:
            world.replace(check_mode=check_mode)
        assert caught.value.details
        assert {row["name"] for row in caught.value.details} <= set(kind.volumes)
    assert world.api.writes == before and replicas(world) == 1


def kept(world: World, kind: Kind) -> None:
    before = phases(world)
    world.recreate(check_mode=True, data=kind.data)
    assert phases(world) == before
    world.recreate(data=kind.data)
    world.api.react(world.api)
    assert phases(world) == before
    if (found := world.api.get("Deployment", "app", "ns")) is not None and kind.volumes:
        assert found["spec"]["replicas"] == 1
    for name in kind.volumes:
        for place in (world.data, world.inside):
            if kind.make is not KINDS["static, directory missing, never used"].make and (place / name).exists():
                assert (place / name / "file").read_text() == "content"


def kept_released(world: World, _kind: Kind) -> None:
    world.recreate()
    world.api.react(world.api)
    assert phases(world) == {"v": "Released", "w": "Released"}


def kept_with_warning(world: World, kind: Kind) -> None:
    before = phases(world)
    for check_mode in (True, False):
        done = world.recreate(check_mode=check_mode)
        assert any(kind.where in warning for warning in done.warnings)
        assert all(row["does"].rpartition("its data stays in ")[2] for row in done.facts["plan"]["volumes"])
    assert phases(world) == before


def recreated_if_accepted(world: World, kind: Kind) -> None:
    writes = len(world.host.writes())
    for check_mode in (True, False):
        for accepted in (None, ["another"]):
            with pytest.raises(Declined, match=f"ties it to {WORKER}") as caught:
                world.recreate(check_mode=check_mode, accept_loss=accepted)
            assert "accept_loss=['v']" in caught.value.text()
    assert len(world.host.writes()) == writes and replicas(world) == 1
    before = phases(world)
    done = world.recreate(accept_loss=["ns/c"])
    assert phases(world) == before
    assert any(kind.where in warning for warning in done.warnings)


def created_again_with_its_pod(world: World, _kind: Kind) -> None:
    world.recreate()
    assert world.api.get("PersistentVolume", "v") is None
    assert replicas(world) == 1


def lost_claim_warned(world: World, _kind: Kind) -> None:
    assert any("ns/c" in warning for warning in world.recreate().warnings)
    assert phases(world) == {}


def not_recreated(world: World, _kind: Kind) -> None:
    writes = len(world.host.writes())
    for check_mode in (True, False):
        with pytest.raises(KindlabError):
            world.recreate(check_mode=check_mode)
    assert len(world.host.writes()) == writes
    assert replicas(world) == 1
    assert world.api.list("Pod")


def labels_kept(world: World, kind: Kind) -> None:
    node = world.api.get("Node", "k-worker2")
    node.setdefault("spec", {})["taints"] = [{"key": "example.com/own", "effect": "NoSchedule"}]
    world.put(node)
    kept(world, kind)
    assert world.api.get("Node", WORKER)["metadata"]["labels"]["example.com/disk"] == "ssd"
    assert {"key": "example.com/own", "effect": "NoSchedule"} in world.api.get("Node", "k-worker2")["spec"]["taints"]


def stop_everything(world: World) -> None:
    for kind in ("Deployment", "ReplicaSet", "Pod"):
        for item in world.api.list(kind):
            world.api.delete(kind, item["metadata"]["name"], "ns")


def needs_a_backup(world: World, kind: Kind) -> None:
    stop_everything(world)
    assert set(refused(world)) == set(kind.volumes)
    world.back_up(data=kind.data)
    world.run(state="absent", backup=str(world.backup))
    assert world.host.nodes == []


def needs_an_archive(world: World, kind: Kind) -> None:
    stop_everything(world)
    assert any("deleted with the node" in why for why in refused(world)["v"])
    needs_a_backup(world, kind)


def refused(world: World, **options: object) -> dict[str, list[str]]:
    error = world.refused(Declined, state="absent", **options)
    found: dict[str, list[str]] = {}
    for row in error.details:
        found.setdefault(row["name"], []).append(row["why"])
    return found


def needed_only_while_in_use(world: World, _kind: Kind) -> None:
    assert any("in use" in why for why in refused(world)["v"])
    stop_everything(world)
    world.api.patch("PersistentVolume", "v", {"spec": {"persistentVolumeReclaimPolicy": "Retain"}})
    world.run(state="absent")
    assert world.host.nodes == []


def no_obstacle(world: World, _kind: Kind) -> None:
    stop_everything(world)
    world.run(state="absent")
    assert world.host.nodes == []


def no_data(world: World, _kind: Kind) -> None:
    world.run(state="absent")
    assert world.host.nodes == []


def deleted_if_accepted(world: World, _kind: Kind) -> None:
    stop_everything(world)
    world.back_up()
    backup = {"backup": str(world.backup)}
    assert [WORKER in why for why in refused(world, **backup)["v"]] == [True]
    world.run(state="absent", accept_loss=["v"], **backup)
    assert world.host.nodes == []


def always_refused(world: World, _kind: Kind) -> None:
    stop_everything(world)
    assert set(refused(world)) == {"v"}


def not_shown(world: World, _kind: Kind) -> None:
    assert world.info().facts["volumes"] == []
    assert not world.info().warnings


def nothing_detached(world: World, _kind: Kind) -> None:
    before = world.api.writes[:]
    done = world.detach()
    assert not done.changed and world.api.writes == before


def nothing_restored(world: World, _kind: Kind) -> None:
    world.back_up()
    world.lose()
    world.restore()
    assert phases(world) == {}


def nothing_replaced(world: World, _kind: Kind) -> None:
    world.back_up(data="archive")
    before = world.api.writes[:]
    done = world.replace()
    assert not done.changed and done.facts["volumes"] == []
    assert world.api.writes == before


def nothing_in_the_way(world: World, _kind: Kind) -> None:
    world.run(state="absent")
    assert world.host.nodes == []


# Column -> what a cell with - means.
NOTHING: dict[str, Check] = {
    "info": not_shown,
    "detach": nothing_detached,
    "restore": nothing_restored,
    "replace": nothing_replaced,
    "absent": nothing_in_the_way,
}
CHECKS: dict[str, dict[str, Check]] = {
    "info": {
        "shown": shown,
        "host_directory is empty": node_only,
        "source and location shown": where_shown,
        "driver shown": where_shown,
        "shown as ephemeral": shown_as_ephemeral,
        "warning": warned,
        "nodes shown": nodes_shown,
        "directories on the nodes with the label": directories_shown,
    },
    "detach": {
        "workloads scaled to zero, proved unused": detached,
        "workloads scaled to zero, proved by the API server": detached_by_attachments,
        "stopped with its pod, reclaim policy unchanged": stopped_with_its_pod,
        "both proved unused": detached,
        "nothing to stop": nothing_to_stop,
        "refused": refused_to_stop,
    },
    "backup": {
        "in place or archive": saved_either_way,
        "only with `data=archive`": saved_as_archive_only,
        "manifests": saved_as_manifests,
        "manifests, warning": saved_as_manifests_with_warning,
        "manifests, warning with the location": saved_as_manifests_with_warning,
        "manifests, warning with the driver": saved_as_manifests_with_warning,
        "not saved": not_saved,
        "manifest": saved,
        "refused": not_saved_for_want_of_data,
        "refused, nodes named": not_saved_on_some_nodes,
        "both saved": saved_either_way,
        "saved": saved,
        "claim saved": claim_saved,
        "claim and workload saved": claim_and_workload_saved,
        "saved with Retain, warning": saved_with_warning,
        "from the nodes with the label": saved_either_way,
    },
    "restore": {
        "compared, restored": restored_if_equal,
        "extracted in the node": extracted_in_the_node,
        "restored, not compared": local_data_may_change,
        "restored without a directory": restored_without_directory,
        "refused": restore_refused,
        "refused, nodes named": nodes_must_have_it,
        "outer one extracted first": outer_first,
        "stays Released": stays_released,
        "claim not restored, warning": claim_left_out,
        "claim created, Pending": claim_created,
        "refused while it exists": restore_refused_while_terminating,
        "nodes must exist or be mapped": nodes_must_exist,
        "refused if no node has the label": label_must_exist,
    },
    "replace": {
        "set aside, archive extracted": replaced,
        "archive extracted": extracted_again,
        "left as it is": not_replaced,
        "refused, volumes named": replacing_refused,
        "refused, nodes named": nodes_must_have_what_is_replaced,
        "refused": replacing_refused,
    },
    "recreate": {
        "kept": kept,
        "kept with `data=archive`": kept,
        "kept, warning names the driver": kept_with_warning,
        "refused unless `accept_loss` names it": recreated_if_accepted,
        "created again with its pod": created_again_with_its_pod,
        "refused in the plan": not_recreated,
        "refused": not_recreated,
        "kept Released": kept_released,
        "warning": lost_claim_warned,
        "kept, labels and taints restored": labels_kept,
    },
    "absent": {
        "refused without a current backup": needs_a_backup,
        "refused without an archive": needs_an_archive,
        "refused only while in use": needed_only_while_in_use,
        "refused without a backup of its manifest": needs_a_backup,
        "refused unless `accept_loss` names it": deleted_if_accepted,
        "no obstacle": no_obstacle,
        "no data to lose": no_data,
        "refused": always_refused,
    },
}


def test_details_name_only_existing_modules() -> None:
    modules = {path.stem for path in (DOCUMENT.parents[1] / "plugins" / "modules").glob("*.py")}
    named = re.findall(r"`(?:kindlab\.volumes\.)?((?:volume|kind|node|local)_\w+)`", DOCUMENT.read_text())
    assert named and set(named) <= modules
