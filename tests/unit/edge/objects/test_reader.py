"""All objects of a cluster in memory, and what cannot be read of it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from ansible_collections.kindlab.volumes.plugins.module_utils._core.errors import KindlabError, Unreachable
from ansible_collections.kindlab.volumes.plugins.module_utils._core.objects.model import Key, LeftOut
from ansible_collections.kindlab.volumes.plugins.module_utils._core.objects.selection import Selection
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.objects import reader
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.objects.collect import collect
from ansible_collections.kindlab.volumes.tests.unit.support.any_objects import TYPES, names, namespace, thing
from ansible_collections.kindlab.volumes.tests.unit.support.discovered import kind
from ansible_collections.kindlab.volumes.tests.unit.support.fakes import FakeCluster


def cluster(*items: Any) -> FakeCluster:
    made = FakeCluster(*items)
    made.types = list(TYPES)
    return made


SHOP = (
    namespace("shop"),
    namespace("other"),
    thing("v1", "ConfigMap", "a", labels={"app": "web"}),
    thing("v1", "ConfigMap", "b", "other"),
    thing("example.com/v1", "Database", "db", labels={"app": "web"}),
    thing("storage.k8s.io/v1", "StorageClass", "fast", labels={"app": "web"}),
)


def test_everything_that_discovery_shows() -> None:
    live = cluster(*SHOP)
    items, refused = reader.read(live, reader.discover(live))
    assert names(items) == names(SHOP)
    assert refused == []


def test_items_get_the_version_in_which_they_were_read() -> None:
    live = cluster({"kind": "ConfigMap", "metadata": {"name": "a", "namespace": "shop"}})
    (item,), _refused = reader.read(live, [kind("v1", "ConfigMap", "configmaps")])
    assert (item["apiVersion"], item["kind"]) == ("v1", "ConfigMap")


def test_some_namespaces_are_read_alone() -> None:
    live = cluster(*SHOP)
    types = [one for one in TYPES if one.kind in ("Namespace", "ConfigMap")]
    items, _refused = reader.read(live, types, ["shop"])
    assert names(items) == ["ConfigMap shop/a", "Namespace other", "Namespace shop"]


def test_labels_select_everything_but_namespaces() -> None:
    live = cluster(*SHOP)
    items, _refused = reader.read(live, reader.discover(live), labels="app=web")
    assert names(items) == [
        "ConfigMap shop/a",
        "Database.example.com shop/db",
        "Namespace other",
        "Namespace shop",
        "StorageClass.storage.k8s.io fast",
    ]


@pytest.mark.parametrize("why", ["databases is forbidden", "The API server refused (503): no server"])
def test_a_list_that_is_refused_is_named_and_the_others_are_read(why: str) -> None:
    live = cluster(*SHOP)
    live.refusals = {"/apis/example.com/v1/databases": KindlabError(why)}
    items, refused = reader.read(live, reader.discover(live))
    assert len(items) == len(SHOP) - 1
    assert refused == [LeftOut(Key("example.com", "Database", "", ""), f"it cannot be listed: {why}")]


def test_a_list_that_is_refused_in_several_namespaces_is_named_once() -> None:
    live = cluster(*SHOP)
    live.refusals = {f"/api/v1/namespaces/{name}/secrets": KindlabError("forbidden") for name in ("shop", "other")}
    assert len(reader.read(live, reader.discover(live), ["shop", "other"])[1]) == 1


def test_a_type_whose_definition_was_deleted_meanwhile_has_no_objects() -> None:
    live = cluster(*SHOP)
    found = (*reader.discover(live), kind("gone.example/v1", "Gone", "gones"))
    assert reader.read(live, found) == (reader.read(live, found[:-1])[0], [])


def test_a_server_that_hangs_behind_the_server_is_named() -> None:
    live = cluster(*SHOP)
    live.refusals = {"/apis/example.com/v1/databases": Unreachable("timed out")}
    assert [row.key.kind for row in reader.read(live, reader.discover(live))[1]] == ["Database"]
    live.refusals = {"/api/v1/secrets": Unreachable("timed out")}
    with pytest.raises(Unreachable):
        reader.read(live, reader.discover(live))


class Paged(FakeCluster):
    """Answers lists in pages of one object; asked: the queries."""

    def __init__(self, *items: Any) -> None:
        super().__init__(*items)
        self.asked: list[Mapping[str, str]] = []

    def read(self, path: str, query: Mapping[str, str] | None = None, accept: str = "application/json") -> Any:
        self.asked.append(dict(query or {}))
        page = super().read(path, query, accept)
        start = int((query or {}).get("continue", 0))
        more = {"continue": str(start + 1)} if start + 1 < len(page["items"]) else {}
        return {"items": page["items"][start : start + 1], "metadata": more}


def test_all_pages_are_read() -> None:
    live = Paged(*(thing("v1", "ConfigMap", f"c{number}") for number in range(3)))
    items, _refused = reader.read(live, [kind("v1", "ConfigMap", "configmaps")], labels="")
    assert len(items) == 3
    assert [query.get("continue") for query in live.asked] == [None, "1", "2"]


class Older(FakeCluster):
    """A server without aggregated discovery. broken: documents that it refuses."""

    broken: tuple[str, ...] = ()

    def read(self, path: str, query: Mapping[str, str] | None = None, accept: str = "application/json") -> Any:
        del query, accept
        if path in self.broken:
            raise KindlabError("The API server refused (503): no server")
        rows = [{"name": "things", "kind": "Thing", "namespaced": True, "verbs": ["create", "get", "list"]}]
        named = {"name": "x", "versions": [{"groupVersion": "x/v1"}], "preferredVersion": {"groupVersion": "x/v1"}}
        return {
            "/api": {"kind": "APIVersions", "versions": ["v1"]},
            "/apis": {"kind": "APIGroupList", "groups": [named]},
            "/api/v1": {"groupVersion": "v1", "resources": rows},
            "/apis/x/v1": {"groupVersion": "x/v1", "resources": rows},
        }[path]


def test_older_servers_are_asked_for_each_version() -> None:
    live = Older()
    assert [(one.group, one.kind) for one in reader.discover(live)] == [("", "Thing"), ("x", "Thing")]
    live.broken = ("/apis/x/v1",)
    found, unknown = reader.discover_all(live)
    assert [one.group for one in found] == [""]
    assert [str(row.key) for row in unknown] == ["*.x"]


@pytest.mark.parametrize("strategy, version", [("Webhook", "v1beta1"), ("None", "v1")])
def test_where_a_webhook_converts_objects_are_read_as_they_are_stored(strategy: str, version: str) -> None:
    """Its pods may not run when the objects are read, and do not run yet when they are created again."""
    definition = thing(
        "apiextensions.k8s.io/v1",
        "CustomResourceDefinition",
        "databases.example.com",
        spec={
            "group": "example.com",
            "names": {"kind": "Database"},
            "conversion": {"strategy": strategy},
            "versions": [{"name": "v1", "served": True}, {"name": "v1beta1", "served": True, "storage": True}],
        },
    )
    live = cluster(*SHOP, definition)
    live.types.append(kind("example.com/v1beta1", "Database", "databases"))
    if strategy == "Webhook":
        live.refusals["/apis/example.com/v1/databases"] = KindlabError("conversion webhook for example.com/v1 failed")
    collected = collect(live, Selection(kinds=("Database",)))
    assert [item["apiVersion"] for item in collected.saved.made if item["kind"] == "Database"] == [
        f"example.com/{version}"
    ]
    assert collected.unread == ()
