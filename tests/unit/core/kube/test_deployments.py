"""Deployments: flags and variables of containers, and images on nodes."""

from __future__ import annotations

import pytest

from ansible_collections.kindlab.volumes.plugins.module_utils._core.kube.deployments import (
    env,
    find_image,
    flag,
    images_on,
    repository,
)
from ansible_collections.kindlab.volumes.tests.unit.support.provisioners import node


@pytest.mark.parametrize(
    "argv, value",
    [
        ([], ""),
        (["start"], ""),
        (["--name", "v", "--other"], "v"),
        (["-name=v"], "v"),
        (["--name"], ""),
        (["name", "v"], ""),
        (["--names", "v"], ""),
    ],
)
def test_flags(argv, value):
    assert flag(argv, "name") == value


def test_variables():
    fields = [{"name": "A", "value": "1"}, {"name": "B", "valueFrom": {}}]
    assert [env({"env": fields}, name) for name in "ABC"] == ["1", "", ""]
    assert env({}, "A") == ""


@pytest.mark.parametrize(
    "image, name",
    [
        ("busybox", "busybox"),
        ("registry.example/library/busybox:1.37", "busybox"),
        ("localhost:5000/a/b", "b"),
        ("a/b@sha256:0", "b"),
        ("a/b:1@sha256:0", "b"),
    ],
)
def test_repository(image, name):
    assert repository(image) == name


def test_images_of_nodes():
    nodes = [node("a", "x/p:1", "x/q:1", "x/p@sha256:0"), node("b", "x/p:1", "x/p@sha256:0")]
    assert images_on(nodes, all) == ["x/p:1"]
    assert images_on(nodes, any) == ["x/p:1", "x/q:1"]
    assert images_on([], all) == []
    assert images_on([{"kind": "Node", "metadata": {"name": "new"}}, *nodes], all) == []


def test_the_first_repository_that_has_an_image():
    images = ["x/busybox:1", "x/helper:1", "x/helper:2"]
    assert find_image(images, ("helper", "busybox")) == "x/helper:2"
    assert find_image(images, ("none", "busybox")) == "x/busybox:1"
    assert find_image(images, ("none",)) == ""
