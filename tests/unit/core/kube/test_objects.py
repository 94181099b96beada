"""Wanted against live objects: what counts as equal, what a merge patch does, and what must be replaced."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.kindlab.volumes.plugins.module_utils._core.kube.objects import (
    is_subset,
    merged,
    must_be_replaced,
    ref_of,
    ref_text,
    without_nulls,
)

LEAVES = st.sampled_from([None, True, 0, 1, "x", [], [1], [{"a": 1}]])
FLAT = st.dictionaries(st.sampled_from("abc"), LEAVES, max_size=3)
MAPPINGS = st.dictionaries(st.sampled_from("abc"), LEAVES | FLAT, max_size=3)


@pytest.mark.parametrize(
    "wanted, live, same",
    [
        ({}, {"a": 1}, True),
        ({"a": 1}, {"a": 1, "b": 2}, True),
        ({"a": 1}, {"a": 2}, False),
        ({"a": 1}, {}, False),
        ({"a": {"b": 1}}, {"a": {"b": 1, "c": 2}}, True),
        ({"a": {"b": 1}}, {"a": "b"}, False),
        ({"a": None}, {}, True),
        ({"a": None}, {"a": None}, True),
        ({"a": None}, {"a": {}}, False),
        ([{"a": 1}], [{"a": 1, "defaulted": True}], True),
        ([1], [1, 2], False),
        ([1, 2], [2, 1], False),
        ([1], "1", False),
    ],
)
def test_what_counts_as_equal(wanted, live, same):
    assert is_subset(wanted, live) is same


@given(MAPPINGS, MAPPINGS)
def test_a_patched_object_has_what_was_wanted(live, wanted):
    assert is_subset(wanted, merged(live, wanted))


@given(MAPPINGS, MAPPINGS)
def test_patching_twice_is_patching_once(live, wanted):
    once = merged(live, wanted)
    assert merged(once, wanted) == once


def test_a_patch_leaves_its_input_alone():
    live = {"a": {"b": 1}}
    assert merged(live, {"a": {"b": None, "c": 2}}) == {"a": {"c": 2}}
    assert live == {"a": {"b": 1}}


def test_created_without_what_is_wanted_absent():
    assert without_nulls({"a": {"b": None, "c": [{"d": 1}]}, "e": None}) == {"a": {"c": [{"d": 1}]}}


CLASS = {"kind": "StorageClass", "metadata": {"name": "c"}, "provisioner": "p", "reclaimPolicy": "Delete"}
BINDING = {"kind": "RoleBinding", "metadata": {"name": "b", "namespace": "n"}, "roleRef": {"name": "r"}}
DEPLOYMENT = {"kind": "Deployment", "metadata": {"name": "d", "namespace": "n"}, "spec": {"selector": {"app": "a"}}}


@pytest.mark.parametrize(
    "wanted, live, new",
    [
        (CLASS, {**CLASS, "volumeBindingMode": "Immediate", "allowVolumeExpansion": True}, False),
        (CLASS, {k: v for k, v in CLASS.items() if k != "reclaimPolicy"}, False),
        (CLASS, {**CLASS, "parameters": {}}, False),
        (CLASS, {**CLASS, "reclaimPolicy": "Retain"}, True),
        (CLASS, {**CLASS, "volumeBindingMode": "WaitForFirstConsumer"}, True),
        (CLASS, {**CLASS, "parameters": {"nodePath": "/x"}}, True),
        (CLASS, {**CLASS, "provisioner": "q"}, True),
        (BINDING, {**BINDING, "subjects": []}, False),
        (BINDING, {**BINDING, "roleRef": {"name": "s"}}, True),
        (DEPLOYMENT, {**DEPLOYMENT, "spec": {"selector": {"app": "a"}, "replicas": 3}}, False),
        (DEPLOYMENT, {**DEPLOYMENT, "spec": {"selector": {"app": "b"}}}, True),
        (DEPLOYMENT, {**DEPLOYMENT, "metadata": {**DEPLOYMENT["metadata"], "deletionTimestamp": "now"}}, True),
    ],
)
def test_what_must_be_replaced(wanted, live, new):
    assert must_be_replaced(wanted, live) is new


def test_names():
    assert ref_of(BINDING) == ("RoleBinding", "n", "b")
    assert [ref_text(ref_of(item)) for item in (BINDING, CLASS)] == ["RoleBinding n/b", "StorageClass c"]
