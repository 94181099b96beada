"""What people changed of an object, carried over to what another version brings."""

from __future__ import annotations

import random
from typing import Any

import pytest

from ansible_collections.kindlab.volumes.plugins.module_utils._core.kube.objects import merged
from ansible_collections.kindlab.volumes.plugins.module_utils._core.objects.baseline import merge_patch
from ansible_collections.kindlab.volumes.plugins.module_utils._core.objects.changes.three_way import carried, touched
from ansible_collections.kindlab.volumes.plugins.module_utils._core.objects.model import Change, Key

Object = dict[str, Any]
KEY = Key("apps", "Deployment", "kube-system", "coredns")


def change(before: Object, after: Object) -> Change:
    patch = merge_patch(before, after)
    return Change(KEY, "apps/v1", patch, touched(before, patch))


def result(before: Any, after: Any, live: Any) -> Any:
    """Of one field."""
    return carried(change({"a": before}, {"a": after}), {"a": live, "more": 1})[0]["a"]


def container(image: str, **fields: Any) -> Object:
    return {"name": "coredns", "image": image, **fields}


SIDECAR = {"name": "sidecar", "image": "sidecar:1"}
DNS = {"name": "dns", "containerPort": 53, "protocol": "UDP"}


@pytest.mark.parametrize(
    "before, after, live, expected",
    [
        # A field of an element: the version's image stays.
        (
            [container("1", args=["-conf"])],
            [container("1", args=["-conf"], resources={"limits": {"memory": "1Gi"}})],
            [container("2", args=["-conf", "-new"])],
            [container("2", args=["-conf", "-new"], resources={"limits": {"memory": "1Gi"}})],
        ),
        # Whoever changed the image wants that one.
        ([container("1")], [container("mine")], [container("2")], [container("mine")]),
        # An element more, one less, and those of the version.
        ([container("1")], [SIDECAR, container("1")], [container("2")], [SIDECAR, container("2")]),
        ([container("1"), SIDECAR], [container("1")], [container("2"), SIDECAR], [container("2")]),
        ([container("1")], [container("1"), SIDECAR], [container("2"), DNS], [container("2"), SIDECAR, DNS]),
        ([container("1")], [container("1"), SIDECAR], [DNS], [DNS, SIDECAR]),
        # Both added it.
        (
            [],
            [{"name": "x", "value": "1"}],
            [{"name": "x", "value": "2", "b": 1}],
            [{"name": "x", "value": "1", "b": 1}],
        ),
        # Lists in elements of lists.
        (
            [container("1", env=[{"name": "A", "value": "1"}], ports=[DNS])],
            [container("1", env=[{"name": "A", "value": "2"}], ports=[DNS])],
            [container("2", env=[{"name": "B", "value": "1"}, {"name": "A", "value": "1"}], ports=[])],
            [container("2", env=[{"name": "B", "value": "1"}, {"name": "A", "value": "2"}], ports=[])],
        ),
        # Another order, where the version has the same elements.
        ([SIDECAR, container("1")], [container("1"), SIDECAR], [SIDECAR, container("2")], [container("2"), SIDECAR]),
        # Elements without a key: tolerations, rules, arguments.
        ([{"key": "a"}], [{"key": "a"}, {"key": "b"}], [{"key": "c"}], [{"key": "c"}, {"key": "b"}]),
        (
            [{"key": "a"}, {"key": "b"}],
            [{"key": "b"}],
            [{"key": "a"}, {"key": "b"}, {"key": "c"}],
            [{"key": "b"}, {"key": "c"}],
        ),
        (["-c", "x"], ["-c", "y"], ["-c", "x", "-z"], ["-c", "y", "-z"]),
        (["-v=2"], ["-v=4"], ["-v=2", "-z"], ["-v=4", "-z"]),
        # Nothing says where the version's elements belong: people's list is one thing.
        (["sh", "-c", "old"], ["sh", "-c", "mine"], ["sh", "-c", "new"], ["sh", "-c", "mine"]),
        (["a", "a"], ["a", "b", "a"], ["a"], ["a", "b", "a"]),
        ([1], [2], {"an": "object"}, [2]),
        # Ports by number, mounts by path.
        (
            [{"containerPort": 53, "protocol": "UDP"}],
            [{"containerPort": 53, "protocol": "UDP", "hostPort": 53}],
            [{"containerPort": 53, "protocol": "UDP"}, {"containerPort": 53, "protocol": "TCP"}],
            [{"containerPort": 53, "protocol": "UDP", "hostPort": 53}, {"containerPort": 53, "protocol": "TCP"}],
        ),
        (
            [{"name": "v", "mountPath": "/a"}, {"name": "v", "mountPath": "/b"}],
            [{"name": "v", "mountPath": "/a", "readOnly": True}, {"name": "v", "mountPath": "/b"}],
            [{"name": "w", "mountPath": "/a"}, {"name": "v", "mountPath": "/b"}],
            [{"name": "w", "mountPath": "/a", "readOnly": True}, {"name": "v", "mountPath": "/b"}],
        ),
    ],
)
def test_people_get_their_change_and_the_version_what_is_its_own(
    before: Any, after: Any, live: Any, expected: Any
) -> None:
    assert result(before, after, live) == expected
    # A second run finds nothing to do.
    assert result(before, after, expected) == expected


def test_a_list_that_was_not_there_before() -> None:
    assert carried(change({}, {"a": [SIDECAR]}), {"a": [container("2")]})[0] == {"a": [SIDECAR, container("2")]}
    assert carried(change({}, {"a": ["mine"]}), {"a": ["theirs"]})[0] == {"a": ["mine"]}
    # People removed an element, or put them in another order.
    assert carried(change({}, {"a": ["x"]}), {"a": ["x", "y"]})[0] == {"a": ["x"]}
    assert carried(change({}, {"a": ["y", "x"]}), {"a": ["x", "y", "z"]})[0] == {"a": ["y", "x"]}
    assert carried(change({"a": []}, {"a": ["x"]}), {"a": ["x", "y"]})[0] == {"a": ["x", "y"]}
    assert carried(change({"a": [1]}, {}), {"a": [2]})[0] == {}
    assert carried(change({}, {"a": {"mine": 1}}), {"a": {"theirs": 2}})[0] == {"a": {"theirs": 2, "mine": 1}}


def test_a_change_of_an_element_that_the_version_dropped_is_told() -> None:
    before = {"spec": {"containers": [container("1", env=[{"name": "A", "value": "1"}]), SIDECAR]}}
    after = {"spec": {"containers": [container("1", env=[{"name": "A", "value": "2"}]), {**SIDECAR, "image": "x"}]}}
    live = {"spec": {"containers": [container("2", env=[])]}}
    assert carried(change(before, after), live) == (
        live,
        ["spec.containers[sidecar]", "spec.containers[coredns].env[A]"],
    )


def test_without_what_it_was_before_a_list_is_replaced() -> None:
    """As backups had it that were written earlier."""
    older = Change(KEY, "apps/v1", {"spec": {"containers": [container("1")], "gone": None}})
    assert carried(older, {"spec": {"containers": [container("2")], "gone": 1, "stays": 1}}) == (
        {"spec": {"containers": [container("1")], "stays": 1}},
        [],
    )


def test_only_what_a_patch_changes_is_kept() -> None:
    before = {"a": 1, "b": {"c": 1, "d": [1]}, "e": {"f": 1}, "g": [2]}
    assert touched(before, {"a": 2, "b": {"d": None, "new": 1}, "e": 1}) == {"a": 1, "b": {"d": [1]}, "e": {"f": 1}}


def drawn(rng: random.Random, depth: int = 0) -> Any:
    kind = rng.random()
    if depth == 3 or kind < 0.3:
        return rng.choice(["a", "b", "c", ""])
    if kind < 0.5:
        return [{"name": rng.choice("abcd"), **drawn_fields(rng, depth)} for _element in range(rng.randint(0, 3))]
    if kind < 0.65:
        return [drawn(rng, depth + 1) for _element in range(rng.randint(0, 3))]
    return drawn_fields(rng, depth)


def drawn_fields(rng: random.Random, depth: int = 0) -> Object:
    return {rng.choice("abcd"): drawn(rng, depth + 1) for _field in range(rng.randint(0, 3))}


def test_drawn_objects() -> None:
    rng = random.Random(13)  # noqa: S311
    for _round in range(3000):
        before, after, live = (drawn_fields(rng) for _side in range(3))
        made = change(before, after)
        # In the same version it is exactly what people had.
        assert carried(made, before)[0] == after
        once = carried(made, live)[0]
        assert carried(made, once)[0] == once, (before, after, live)
        # What people did not touch is the version's.
        assert carried(change(before, before), live) == (live, [])
        assert merged(live, merge_patch(live, once)) == once
