"""What a cluster that goes back to a generation gets back and loses, and which generations and data are refused."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from ansible_collections.kindlab.volumes.plugins.module_utils._core.backup.catalog import (
    Catalog,
    SavedArchive,
    SavedCluster,
    SavedObjects,
    SavedSelection,
)
from ansible_collections.kindlab.volumes.plugins.module_utils._core.errors import BadInput, Declined
from ansible_collections.kindlab.volumes.plugins.module_utils._core.objects.model import Change, Key, Saved
from ansible_collections.kindlab.volumes.plugins.module_utils._core.recreate import snapshot
from ansible_collections.kindlab.volumes.plugins.module_utils._core.recreate.facts import of_backup
from ansible_collections.kindlab.volumes.tests.unit.support.backups import saved_volume

OPTIONS = {"cluster": "k", "objects": "all", "checksums": "full"}
EVERYTHING = SavedObjects(3, 0, baseline=True)
CATALOG = Catalog("2026-01-02T03:04:05Z", SavedCluster("k", "v1.34.4"), objects=EVERYTHING)
ARCHIVE = SavedArchive("archives/v0.tar.zst", "0" * 64, 9, "zstd")


def thing(name: str, **spec: Any) -> dict[str, Any]:
    return {"apiVersion": "x.io/v1", "kind": "Thing", "metadata": {"name": name, "namespace": "ns"}, "spec": spec}


def change(**data: str) -> Change:
    return Change(Key("", "ConfigMap", "kube-system", "coredns"), "v1", {"data": data})


def test_a_complete_generation() -> None:
    snapshot.check("1", CATALOG, {"kind": "Cluster"}, OPTIONS)
    snapshot.check("1", replace(CATALOG, checksums="fast"), {"kind": "Cluster"}, {**OPTIONS, "checksums": "fast"})
    snapshot.check("1", replace(CATALOG, objects=None), {"kind": "Cluster"}, {**OPTIONS, "objects": "none"})


@pytest.mark.parametrize(
    ("catalog", "why"),
    [
        (replace(CATALOG, objects=None), "it does not have all objects"),
        (replace(CATALOG, objects=replace(EVERYTHING, selection=SavedSelection(("ns",)))), "it does not have all"),
        (replace(CATALOG, checksums="fast"), "no checksums of files by content"),
        (replace(CATALOG, checksums="none"), "nothing tells whether data is the same"),
    ],
)
def test_a_generation_that_is_not_complete(catalog: Catalog, why: str) -> None:
    with pytest.raises(Declined, match=why) as raised:
        snapshot.check("1", catalog, {"kind": "Cluster"}, OPTIONS)
    assert len(raised.value.details) == 1


def test_all_that_is_missing_is_told_at_once() -> None:
    with pytest.raises(Declined) as raised:
        snapshot.check("1", replace(CATALOG, objects=None, checksums="none"), {}, OPTIONS, ["app:1"])
    assert [row["name"] for row in raised.value.details] == ["1", "1", "1", "app:1"]
    with pytest.raises(BadInput, match="a backup of cluster k, not of other"):
        snapshot.check("1", CATALOG, {"kind": "Cluster"}, {**OPTIONS, "cluster": "other"})


def test_facts_of_the_machine_and_the_options_are_kept() -> None:
    catalog = replace(CATALOG, volumes=(saved_volume(0, data="node", host_directory=""),))
    found = snapshot.facts_of(of_backup(catalog, {"storage": [{}], "options": {"nodes": []}}, "1", "docker"), catalog)
    assert not {"cluster", "engine", "nodes", "options"} & found.keys()
    assert (found["generation"], found["storage"], found["kept_down"]) == ("1", [{}], [])
    assert [(row["name"], row["data"]) for row in found["volumes"]] == [("v0", "node")]


def test_images_that_are_loaded_now_stay_if_the_generation_has_none() -> None:
    for described, own in ({"loaded_images": [{"names": ["app:1"]}]}, False), ({}, True):
        found = snapshot.facts_of(of_backup(CATALOG, described, "1", "docker"), CATALOG)
        assert ("loaded_images" in found, "node_roles" in found) == (not own, not own)


def test_an_interrupted_run_keeps_its_generation() -> None:
    snapshot.check_same("1", "1")
    for recorded, what in (("2", "restores generation 2"), ("", "restores no volumes")):
        with pytest.raises(Declined, match=f"{what} and has to be completed first"):
            snapshot.check_same(recorded, "1")


def test_data_that_cannot_be_rolled_back() -> None:
    archived, alone = saved_volume(0, archive=ARCHIVE), saved_volume(1)
    differs = {"v0": "1 changed: a", "v1": "1 added: b"}
    assert list(snapshot.data_refusals("1", [archived, alone], {"v0": "1 changed: a"}, {}, {})) == []
    (refusal,) = snapshot.data_refusals("1", [archived, alone], differs, {}, {})
    assert refusal.text() == (
        "ns/c1 (v1): its data in /srv/v1 differs from generation 1, which does not hold it: 1 added: b"
    )
    (damaged,) = snapshot.data_refusals("1", [archived], differs, {"v0": "its archive was changed"}, {})
    (fixed,) = snapshot.data_refusals("1", [archived], differs, {}, {"v0": ("it is mounted", "Unmount it.")})
    assert (damaged.why, fixed.why, fixed.next_step) == ("its archive was changed", "it is mounted", "Unmount it.")


def test_directories_in_each_other() -> None:
    paths = {0: "/a", 1: "/a/b", 2: "/ab", 3: "/a", 4: ""}
    volumes = [saved_volume(number, host_directory=path) for number, path in paths.items()]
    assert snapshot.nested(volumes) == {"v0": "v1", "v1": "v0", "v3": "v1"}


def test_what_comes_goes_and_changes() -> None:
    live = Saved(made=[thing("same"), thing("other", size=2), thing("later")], changed=[change(a="1")])
    saved = Saved(made=[thing("same"), thing("other", size=1), thing("earlier")])
    found = snapshot.compare(live, saved)
    assert found == {
        "created": ["Thing.x.io ns/earlier"],
        "deleted": ["Thing.x.io ns/later"],
        "changed": ["ConfigMap kube-system/coredns", "Thing.x.io ns/other"],
    }
    assert snapshot.compare(saved, saved) == {"created": [], "deleted": [], "changed": []}
    assert snapshot.compare(Saved(changed=[change(a="1")]), Saved(changed=[change(a="1")]))["changed"] == []


def test_a_diff_shows_them() -> None:
    target = {"generation": "1", "volumes": [{"name": "v0"}, {"name": "v1"}], "replaced": {"v1": "/srv/v1"}}
    objects = {"created": ["A a"], "deleted": ["B b"], "changed": ["C c"]}
    found = snapshot.rollback(target, [{"name": "v1"}, {"name": "v2"}], objects)
    assert found["volumes"] == {"created": ["v0"], "deleted": ["v2"], "replaced": ["v1"]}
    there, wanted = "as it is now", "as in generation 1"
    assert snapshot.shown(found) == (
        {"objects": {"B b": there, "C c": there}, "volumes": {"v2": there}},
        {"objects": {"A a": wanted, "C c": wanted}},
    )
    assert snapshot.shown({}) == ({}, {})


@pytest.mark.parametrize(
    ("volume", "move", "replaced", "text"),
    [
        ({"data": "host"}, {}, {}, "its data stays in /srv/v"),
        ({"data": "host"}, {"node": "k-worker"}, {}, "its data stays in /srv/v, and it moves to k-worker"),
        (
            {"data": "host"},
            {},
            {"v": "/srv/v"},
            "its data in /srv/v is replaced by that of generation 1; what is",
        ),
        ({"data": "host"}, {"directory": "/srv/w"}, {}, "its data is extracted from generation 1 to /srv/w"),
        ({"data": "node", "host_directory": ""}, {}, {}, "extracted from generation 1 to /opt/v in k-worker"),
        ({"data": "elsewhere", "host_directory": ""}, {}, {}, "its data stays in its place"),
    ],
)
def test_what_happens_to_data(
    volume: dict[str, str], move: dict[str, str], replaced: dict[str, str], text: str
) -> None:
    row = {"name": "v", "node": "k-worker", "node_directory": "/opt/v", "host_directory": "/srv/v", **volume}
    assert text in snapshot.data_text(row, move, {"generation": "1", "replaced": replaced})
