"""Selection of volumes by name, namespace and storage class."""

from __future__ import annotations

import pytest

from ansible_collections.kindlab.volumes.plugins.module_utils._core.errors import BadInput
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kube.volumes import Volume
from ansible_collections.kindlab.volumes.plugins.module_utils._core.volumes.selection import Selection

NOTHING = {"names": None, "namespaces": None, "storage_classes": None}
VOLUMES = (
    Volume("a", claim="x/c1", storage_class="slow"),
    Volume("b", claim="y/c2", storage_class="fast"),
    Volume("c"),
)


@pytest.mark.parametrize(
    ("options", "names"),
    [
        ({}, "abc"),
        ({"names": ["a", "y/c2"]}, "ab"),
        ({"namespaces": ["x"]}, "a"),
        ({"storage_classes": ["fast", ""]}, "bc"),
        ({"names": ["a"], "storage_classes": ["fast"]}, ""),
    ],
)
def test_selection(options, names):
    selection = Selection.from_options({**NOTHING, **options})
    assert "".join(volume.name for volume in selection.select(VOLUMES, "The backup")) == names
    assert "".join(volume.name for volume in VOLUMES if selection.matches(volume)) == names
    assert selection.selects_all is (options == {})


@pytest.mark.parametrize("option", NOTHING)
def test_an_empty_list_does_not_select_everything(option):
    with pytest.raises(BadInput, match=f"{option} is empty: it would select everything") as caught:
        Selection.from_options({**NOTHING, option: []})
    assert f"omit {option}" in caught.value.next_step


@pytest.mark.parametrize("option", ["names", "namespaces"])
def test_nor_does_an_empty_element(option):
    with pytest.raises(BadInput, match=f"{option} has an empty element"):
        Selection.from_options({**NOTHING, option: ["a", " "]})


def test_names_that_no_volume_has_are_refused():
    selection = Selection(names=frozenset({"a", "x/c1", "z", "c1"}))
    with pytest.raises(BadInput, match="named c1, z") as caught:
        selection.select(VOLUMES, "The backup", "List them.")
    assert caught.value.details == ["c1", "z"]
    assert caught.value.next_step == "List them."


def test_claims_without_a_volume_are_selected_as_volumes_are() -> None:
    bound = Volume("v", "ns/bound", claim_phase="Bound", storage_class="standard")
    claims = [
        {"metadata": {"namespace": "ns", "name": name}, "spec": {"storageClassName": storage_class}}
        for name, storage_class in (("bound", "standard"), ("waits", "standard"), ("other", None))
    ]
    for selection, expected in (
        (Selection(), ["ns/waits", "ns/other"]),
        (Selection(names=frozenset(["ns/waits"])), ["ns/waits"]),
        (Selection(storage_classes=frozenset([""])), ["ns/other"]),
        (Selection(namespaces=frozenset(["none"])), []),
    ):
        volumes, alone = selection.select_with_claims([bound], claims, "The cluster k")
        assert list(alone) == expected
        assert volumes == ((bound,) if selection.selects_all else ())
