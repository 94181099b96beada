"""The saved objects that are selected, with what they need."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.kindlab.volumes.plugins.module_utils._core.errors import BadInput
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kube.objects import Object
from ansible_collections.kindlab.volumes.plugins.module_utils._core.objects.model import Change, Key, Saved, key_of
from ansible_collections.kindlab.volumes.plugins.module_utils._core.objects.selection import Selection
from ansible_collections.kindlab.volumes.plugins.module_utils._core.objects.steps.chosen import Chosen, choose
from ansible_collections.kindlab.volumes.tests.unit.support.saved_objects import (
    application,
    definition,
    namespace,
    saved,
)

ACCOUNT = Key("", "ServiceAccount", "shop", "default")
POLICY = ("networking.k8s.io", "NetworkPolicy")
THINGS = Saved(
    [
        *application(),
        namespace("other"),
        saved("ConfigMap", "a", "other", metadata={"labels": {"app": "a", "tier": "web"}}),
        saved("ConfigMap", "b", "other", metadata={"labels": {"app": "b"}}),
        saved("NetworkPolicy", "c", "other", "networking.k8s.io/v1"),
    ],
    [Change(ACCOUNT, "v1", {"imagePullSecrets": []})],
)


def chosen(names: dict[str, str] | None = None, things: Saved = THINGS, **selection: Any) -> Chosen:
    return choose(things, Selection(**selection), names or {}, {POLICY: "networkpolicies"})


def texts(items: Any) -> set[str]:
    return {str(key_of(item)) for item in items}


def test_everything_is_chosen_by_default() -> None:
    found = chosen()
    assert (list(found.saved.made), found.needed) == (list(THINGS.made), ())


def test_namespaces_are_mapped_by_a_pattern() -> None:
    found = chosen({"s*": "test-s*"}, namespaces=("shop", "other"))
    spaces = {key_of(item).namespace for item in found.saved.made} - {""}
    assert spaces == {"test-shop", "other"}
    assert [change.key.namespace for change in found.saved.changed] == ["test-shop"]
    with pytest.raises(BadInput, match="namespace_map has the pattern x-"):
        chosen({"x-*": "y-*"})


def test_a_namespace_brings_what_its_objects_need() -> None:
    found = chosen(namespaces=("shop",))
    assert texts(found.needed) == {"CustomResourceDefinition.apiextensions.k8s.io widgets.example.org"}
    made = texts(found.saved.made)
    assert {"Namespace shop", "Widget.example.org shop/one"} <= made
    assert not any("other" in text or "Webhook" in text for text in made)
    assert [change.key for change in found.saved.changed] == [ACCOUNT]


@pytest.mark.parametrize("word", ["ConfigMap", "configmap", "configmaps", "ConfigMaps"])
def test_kinds_are_named_as_for_kubectl(word: str) -> None:
    found = chosen(kinds=(word,))
    assert {key_of(item).kind for item in found.saved.made} == {"ConfigMap"}
    assert texts(found.needed) == {"Namespace shop", "Namespace other"}
    assert found.saved.changed == ()


@pytest.mark.parametrize("word", ["widgets.example.org", "networkpolicies", "networkpolicy.networking.k8s.io"])
def test_kinds_of_groups(word: str) -> None:
    assert len(chosen(kinds=(word,)).saved.made) == 1


@pytest.mark.parametrize(
    ("labels", "names"),
    [
        ("app=a", {"a"}),
        ("app==a,tier=web", {"a"}),
        ("app in (a, b),!tier", {"b"}),
        ("app,tier notin (web)", {"b"}),
        ("app!=a,app", {"b"}),
        ("tier", {"a"}),
    ],
)
def test_labels_are_selected_as_by_kubectl(labels: str, names: set[str]) -> None:
    found = chosen(labels=labels)
    assert {key_of(item).name for item in found.saved.made} == names
    assert (texts(found.needed), found.saved.changed) == ({"Namespace other"}, ())


@pytest.mark.parametrize(
    ("selection", "text"),
    [
        ({"namespaces": ("shpo",)}, "The backup has no objects of the namespace shpo."),
        ({"kinds": ("Gizmo",)}, "The backup has no Gizmo."),
        ({"kinds": ("widgets.example.com",)}, "The backup has no widgets.example.com."),
        ({"labels": "a=b=c"}, "label_selectors has 'a=b=c', which is not a label selector."),
        ({"labels": "a b"}, "label_selectors has 'a b', which is not a label selector."),
        ({"names": {"shpo": "x"}}, "The backup has no objects of the namespace shpo."),
        ({"names": {"shop": "other"}}, None),
    ],
)
def test_what_is_not_there_is_refused(selection: dict[str, Any], text: str | None) -> None:
    if text is None:
        # Nothing has the same name there, except the namespace itself.
        selection, text = (
            {**selection, "namespaces": ("shop", "other")},
            ("namespace_map puts several objects into one place: Namespace other."),
        )
    with pytest.raises(BadInput) as error:
        chosen(**selection)
    assert error.value.message == text


def test_a_namespace_is_restored_into_another() -> None:
    found = chosen({"shop": "shop2"}, namespaces=("shop",))
    assert {key_of(item).namespace for item in found.saved.made} == {"", "shop2"}
    assert [change.key.namespace for change in found.saved.changed] == ["shop2"]
    assert found.notes == {Key("", "ConfigMap", "shop2", "settings"): "it still names shop in data.url"}


def test_no_object_of_a_backup_is_changed_by_a_choice() -> None:
    before: list[Object] = [dict(item) for item in application()]
    chosen({"shop": "shop2"}, Saved(before))
    assert before == application()
    assert definition() in before
