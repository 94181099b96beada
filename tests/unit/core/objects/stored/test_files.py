"""The files that hold objects: texts and back, and what is refused."""

from __future__ import annotations

import json
from typing import Any

import pytest

from ansible_collections.kindlab.volumes.plugins.module_utils._core.errors import BadInput
from ansible_collections.kindlab.volumes.plugins.module_utils._core.objects.cleaning import cleaned
from ansible_collections.kindlab.volumes.plugins.module_utils._core.objects.model import (
    Change,
    Key,
    LeftOut,
    Saved,
    key_of,
)
from ansible_collections.kindlab.volumes.plugins.module_utils._core.objects.stored.files import (
    CHANGES,
    from_texts,
    path_of,
    to_texts,
)
from ansible_collections.kindlab.volumes.tests.unit.support.any_objects import namespace, thing
from ansible_collections.kindlab.volumes.tests.unit.support.published import published


def test_a_file_for_each_kind_in_each_namespace() -> None:
    assert path_of(Key("", "Secret", "shop", "a")) == "objects/shop/Secret.json"
    assert path_of(Key("apps", "Deployment", "shop", "a")) == "objects/shop/Deployment.apps.json"
    assert path_of(Key("", "Namespace", "", "shop")) == "objects/_cluster/Namespace.json"


def test_no_name_is_too_long_for_a_file_system() -> None:
    one, other = (path_of(Key("g" * 250 + end, "K" * 63, "n" * 63, "x")) for end in "ab")
    assert one != other
    assert len(one.rpartition("/")[2]) <= 255


def test_comes_back_as_it_was() -> None:
    items = [cleaned(one) for one in (namespace("shop"), thing("v1", "ConfigMap", "b", data={"ä": "\ud83d\n"}))]
    items.append(cleaned(thing("v1", "ConfigMap", "a")))
    changes = [
        Change(Key("", "ConfigMap", "kube-system", name), "v1", {"data": {"x": None}}, before)
        for name, before in (("b", {"data": {"x": "1"}}), ("a", None))
    ]
    rows = (LeftOut(Key("", "Node", "", ""), "others"),)
    texts = to_texts(Saved(items, changes, rows))
    assert set(texts) == {"objects/_cluster/Namespace.json", "objects/shop/ConfigMap.json", CHANGES}
    saved = from_texts(texts, rows)
    assert sorted(map(key_of, saved.made)) == sorted(map(key_of, items))
    assert {key_of(item): item for item in saved.made} == {key_of(item): item for item in items}
    assert saved.changed == tuple(changes[::-1])
    assert saved.left_out == rows


def test_each_object_has_a_line_in_the_order_of_names() -> None:
    texts = to_texts(Saved([cleaned(thing("v1", "ConfigMap", name)) for name in ("b", "c", "a")]))
    text = texts["objects/shop/ConfigMap.json"]
    assert [json.loads(line.rstrip(","))["metadata"]["name"] for line in text.splitlines()[1:-1]] == ["a", "b", "c"]
    whole = json.loads(text)
    assert (whole["apiVersion"], whole["kind"], len(whole["items"])) == ("v1", "List", 3)


def test_nothing_has_no_files() -> None:
    assert to_texts(Saved()) == {}
    assert from_texts({}) == Saved()


LIST = {"apiVersion": "v1", "kind": "List"}
ITEM = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a", "namespace": "shop"}}
CHANGE = {"group": "", "kind": "ConfigMap", "namespace": "shop", "name": "a", "apiVersion": "v1", "patch": {}}


@pytest.mark.parametrize(
    "path, data",
    [
        ("objects/shop/ConfigMap.json", []),
        ("objects/shop/ConfigMap.json", LIST),
        ("objects/shop/ConfigMap.json", {**LIST, "items": [{"kind": "ConfigMap"}]}),
        ("objects/shop/ConfigMap.json", {**LIST, "items": [{**ITEM, "metadata": {"name": 1}}]}),
        ("objects/shop/ConfigMap.json", {**LIST, "items": [{**ITEM, "metadata": {"name": "a", "labels": {"a": 1}}}]}),
        ("objects/shop/Secret.json", {**LIST, "items": [ITEM]}),
        ("objects/other/ConfigMap.json", {**LIST, "items": [ITEM]}),
        (CHANGES, {"changes": [{"kind": "ConfigMap"}]}),
        (CHANGES, {"changes": [{**CHANGE, "before": []}]}),
    ],
)
def test_anything_else_is_refused(path: str, data: Any) -> None:
    with pytest.raises(BadInput, match=f"{path} of the backup does not contain valid objects"):
        from_texts({path: json.dumps(data)})


@pytest.mark.parametrize("text", ["", "{", "[" * 100_000])
def test_text_that_is_no_json_is_refused(text: str) -> None:
    with pytest.raises(BadInput):
        from_texts({"objects/shop/ConfigMap.json": text})


def test_published_manifests_come_back() -> None:
    items = [cleaned(item) for item in published({"argo-cd-install.yaml": "argocd"})]
    saved = from_texts(to_texts(Saved(items)))
    assert {key_of(item): item for item in saved.made} == {key_of(item): item for item in items}
