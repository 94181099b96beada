"""The record of what a cluster brings, and the changes that people made of it."""

from __future__ import annotations

import json
import random
from typing import Any

import pytest

from ansible_collections.kindlab.volumes.plugins.module_utils._core.errors import BadInput
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kube.objects import merged
from ansible_collections.kindlab.volumes.plugins.module_utils._core.objects import baseline
from ansible_collections.kindlab.volumes.plugins.module_utils._core.objects.model import key_of

Object = dict[str, Any]


def config(name: str, **data: str) -> Object:
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": name, "namespace": "kube-system"},
        "data": data,
    }


def noise(length: int) -> str:
    """Text that does not compress."""
    return "".join(random.Random(length).choices("0123456789abcdef", k=length))  # noqa: S311


def test_is_read_as_it_was_written() -> None:
    items = [config("a", x="1"), config("b")]
    (stored,) = baseline.config_maps(items)
    assert (stored["metadata"]["namespace"], stored["metadata"]["name"]) == ("kube-system", "kindlab-baseline")
    assert baseline.read([config("other"), stored]) == {key_of(item): item for item in items}


def test_is_split_if_it_is_large() -> None:
    items = [config(f"c{number}", x=noise(200_000 + number)) for number in range(12)]
    stored = baseline.config_maps(items)
    assert [one["metadata"]["name"] for one in stored] == ["kindlab-baseline", "kindlab-baseline-1"]
    assert max(len(json.dumps(one)) for one in stored) < 1024 * 1024
    assert baseline.other_parts(stored[0]) == ["kindlab-baseline-1"]
    assert baseline.read(reversed(stored)) == {key_of(item): item for item in items}
    with pytest.raises(BadInput, match="does not contain the objects of a new cluster any more"):
        baseline.read(stored[:1])


def test_equal_objects_give_equal_texts() -> None:
    assert baseline.config_maps([config("a", x="1", y="2")]) == baseline.config_maps([config("a", y="2", x="1")])


def test_a_cluster_of_other_tools_has_none() -> None:
    assert baseline.read([]) is None
    assert baseline.read([config("kindlab-baseline-1"), config("kindlab-cluster")]) is None


@pytest.mark.parametrize(
    "change",
    [
        {"binaryData": None},
        {"binaryData": {"objects.json.gz": "?"}},
        {"binaryData": {"objects.json.gz": "H4sIAAAAAAAA"}},
        {"binaryData": {"objects.json.gz": "H4sIAAAAAAAC/4uuBQAlW0QkAwAAAA=="}},
        {"metadata": {"annotations": {"kindlab.volumes/parts": "3"}}},
    ],
)
def test_damage_is_an_error(change: Object) -> None:
    (stored,) = baseline.config_maps([config("a")])
    with pytest.raises(BadInput, match="does not contain the objects") as error:
        baseline.read([merged(stored, change)])
    assert "delete configmap kindlab-baseline" in error.value.next_step


@pytest.mark.parametrize("text", ["", "x", "-1", "99999999999999999999"])
def test_a_senseless_number_of_parts_is_one_part(text: str) -> None:
    (stored,) = baseline.config_maps([config("a")])
    assert baseline.read([merged(stored, {"metadata": {"annotations": {baseline.PARTS: text}}})]) is not None


def test_managers_are_not_recorded() -> None:
    item = config("a")
    item["metadata"]["managedFields"] = [{"manager": "x", "operation": "Apply"}]
    assert baseline.read(baseline.config_maps([item])) == {key_of(item): config("a")}
    assert baseline.change_of(item, config("a")) == {}


def test_a_change_is_exact() -> None:
    before = config("coredns", Corefile="a", other="b")
    after = config("coredns", Corefile="c", new="d")
    after["metadata"]["labels"] = {"team": "x"}
    assert baseline.change_of(after, before) == {
        "metadata": {"labels": {"team": "x"}},
        "data": {"Corefile": "c", "new": "d", "other": None},
    }
    assert baseline.change_of({**before, "apiVersion": "v2"}, before) == {}


def drawn(rng: random.Random, depth: int = 0) -> Any:
    if depth == 3 or rng.random() < 0.3:
        return rng.choice([0, 1, "a", "", True, [], [1, {"a": 2}]])
    return {rng.choice("abcd"): drawn(rng, depth + 1) for _field in range(rng.randint(0, 3))}


def test_the_patch_makes_one_object_the_other() -> None:
    rng = random.Random(5)  # noqa: S311
    for _round in range(2000):
        before, after = ({"x": drawn(rng), "y": drawn(rng)} for _side in range(2))
        patch = baseline.merge_patch(before, after)
        assert merged(before, patch) == after
        assert (patch == {}) is (before == after)
