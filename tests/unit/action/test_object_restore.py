"""object_restore, from a backup on disk into a cluster in memory."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.kindlab.volumes.plugins.module_utils._action.object_restore import ARGUMENTS, run
from ansible_collections.kindlab.volumes.plugins.module_utils._core.backup.catalog import (
    Catalog,
    SavedCluster,
    SavedObjects,
)
from ansible_collections.kindlab.volumes.plugins.module_utils._core.errors import BadInput, Declined
from ansible_collections.kindlab.volumes.plugins.module_utils._core.objects.model import Saved, key_of
from ansible_collections.kindlab.volumes.plugins.module_utils._core.objects.stored.files import to_texts
from ansible_collections.kindlab.volumes.plugins.module_utils._core.options import defaults
from ansible_collections.kindlab.volumes.plugins.module_utils._core.outcome import Outcome
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.backup.writer import Writer
from ansible_collections.kindlab.volumes.tests.unit.support.api_server import FakeApi
from ansible_collections.kindlab.volumes.tests.unit.support.fakes import CA, ScriptedRunner
from ansible_collections.kindlab.volumes.tests.unit.support.saved_objects import application, namespace, saved, service


class OwnApi(FakeApi):
    """An API server that proves to be that of the cluster k."""

    server = "https://127.0.0.1:6443"

    def root_ca(self) -> str:
        return CA

    def list(self, kind: str) -> list[dict[str, Any]]:
        assert kind == "Node"
        return [{"metadata": {"name": "k-control-plane"}}]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return written(tmp_path, application())


def written(path: Path, items: list[dict[str, Any]] | None) -> Path:
    """A backup with a generation of these objects, of none if items is None."""
    things = Saved(items or ())
    objects = None if items is None else SavedObjects(len(things.made), 0, baseline=True)
    catalog = Catalog("2026-01-02T03:04:05Z", SavedCluster("k", "v1.34.4"), objects=objects)
    (path / "backup").mkdir()
    with Writer(path / "backup") as writer:
        for name, text in to_texts(things).items():
            writer.write(name, text)
        writer.publish(replace(catalog, files=dict(writer.files)))
    return path / "backup"


def restore(api: FakeApi, path: Path, *, check_mode: bool = False, **options: Any) -> Outcome:
    given = {**defaults(ARGUMENTS), "engine": "docker", "cluster": "k", "path": str(path), **options}
    return run(given, check_mode, runner=ScriptedRunner(), connect=lambda *_place: api)


def test_the_four_runs(path: Path) -> None:
    api = OwnApi()
    first = restore(api, path, check_mode=True)
    assert (first.changed, api.writes) == (True, [])
    second = restore(api, path)
    assert second.changed and first.facts["objects"] == second.facts["objects"]
    assert second.facts["counts"] == {"equal": len(application())}
    assert {key_of(item) for item in application()} <= api.objects.keys()
    written = list(api.writes)
    assert not restore(api, path).changed
    assert not restore(api, path, check_mode=True).changed
    assert api.writes == written


def test_the_diff_names_objects_without_their_contents(path: Path) -> None:
    outcome = restore(OwnApi(), path, check_mode=True, namespaces=["shop"], kinds=["Secret"])
    key = {"objects": {"Namespace shop": "absent", "Secret shop/key": "absent"}}
    assert outcome.before == key
    assert outcome.after == {"objects": dict.fromkeys(key["objects"], "as saved")}


def test_a_namespace_is_restored_next_to_itself(path: Path) -> None:
    api = OwnApi()
    restore(api, path)
    outcome = restore(api, path, namespaces=["shop"], namespace_map={"shop": "shop-test"})
    assert outcome.facts["counts"] == {"adapted": 2, "equal": 10}
    assert outcome.warnings == (
        "References that only these objects' own programs understand were not changed: ConfigMap shop-test/settings "
        "(it still names shop in data.url).",
    )
    rows = {row["kind"]: row["why"] for row in outcome.facts["objects"] if row["result"] == "adapted"}
    assert rows["ConfigMap"] == "it still names shop in data.url"
    assert rows["Service"].startswith("its node port 30080 is not free, and replaced; its cluster IP is 10.96.200.")
    assert not restore(api, path, namespaces=["shop"], namespace_map={"shop": "shop-test"}).changed


def test_check_mode_refuses_what_the_run_refuses(path: Path) -> None:
    errors = []
    for check_mode in (True, False):
        api = OwnApi(namespace(), saved("ConfigMap", "settings", data={"url": "mine"}))
        with pytest.raises(Declined) as error:
            restore(api, path, check_mode=check_mode)
        errors.append(error.value)
        assert api.writes == []
    assert errors[0].text() == errors[1].text()
    assert errors[0].details == [
        {
            "name": "ConfigMap shop/settings",
            "why": "it exists, and differs in data.url",
            "next_step": "Set existing=keep to leave such objects as they are, or existing=replace.",
        }
    ]


def test_what_is_refused_late_is_told_at_the_end(path: Path) -> None:
    api = OwnApi()
    api.refusals.append(lambda _m, item, _api: "too big" if item["kind"] == "Secret" else None)
    with pytest.raises(Declined, match="all others were restored:\n- Secret shop/key: too big"):
        restore(api, path)
    assert {key_of(item) for item in application() if item["kind"] != "Secret"} <= api.objects.keys()


def test_a_generation_without_objects_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="has no objects"):
        restore(OwnApi(), written(tmp_path, None))


@pytest.mark.parametrize("name", ["Shop", "a.b", "-a", "a" * 64, ""])
def test_a_name_that_no_namespace_can_have_is_refused(path: Path, name: str) -> None:
    with pytest.raises(BadInput, match="cannot be a namespace"):
        restore(OwnApi(), path, namespace_map={"shop": name})


def test_another_service_of_the_same_name_elsewhere_is_none_of_its_business(path: Path) -> None:
    other = service()
    other["metadata"]["namespace"] = "elsewhere"
    api = OwnApi(namespace("elsewhere"), other)
    restore(api, path)
    assert api.objects[key_of(other)]["spec"]["clusterIP"] == "10.96.0.50"
