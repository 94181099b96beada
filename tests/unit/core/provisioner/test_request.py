"""Options of a provisioner: what they become, and every reason to refuse them before anything is read."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.kindlab.volumes.plugins.module_utils._core.errors import BadInput
from ansible_collections.kindlab.volumes.plugins.module_utils._core.provisioner.backends.base import NodePaths
from ansible_collections.kindlab.volumes.tests.unit.support.provisioners import request


@pytest.mark.parametrize(
    "given_options, paths",
    [
        ({}, [("", "/var/local-path-provisioner")]),
        ({"node_path": "/srv/volumes/"}, [("", "/srv/volumes")]),
        ({"node_path": "//srv/./a/../b"}, [("", "/srv/b")]),
        ({"paths": [{"node": None, "paths": ["/a", "/b"]}]}, [("", "/a", "/b")]),
        (
            {"paths": [{"node": "w2", "paths": []}, {"node": "w1", "paths": ["/a"]}, {"paths": ["/b"]}]},
            [("", "/b"), ("w1", "/a"), ("w2",)],
        ),
        ({"paths": [{"node": "w1", "paths": ["/a"]}]}, [("w1", "/a")]),
    ],
)
def test_paths(given_options, paths):
    assert request(**given_options).paths == tuple(NodePaths(node, tuple(found)) for node, *found in paths)


@pytest.mark.parametrize(
    "name, namespace, path",
    [
        ("local_path", "local-path-storage", "/var/local-path-provisioner"),
        ("local_path_shared", "local-path-storage", "/var/local-path-provisioner"),
        ("hostpath", "hostpath-storage", "/tmp/hostpath-provisioner"),
    ],
)
def test_each_provisioner_has_its_own_places(name, namespace, path):
    found = request(name=name)
    assert (found.namespace, found.paths) == (namespace, (NodePaths("", (path,)),))
    asked = request(name=name, namespace="mine", node_path="/srv")
    assert (asked.namespace, asked.paths) == ("mine", (NodePaths("", ("/srv",)),))


@pytest.mark.parametrize(
    "given_options, words",
    [
        ({"node_path": "relative"}, "'relative' for all other nodes is not absolute"),
        ({"node_path": ""}, "'' for all other nodes is not absolute"),
        ({"node_path": "~/volumes"}, "is not absolute"),
        ({"node_path": "/"}, "all other nodes must not be '/'"),
        ({"node_path": "//"}, "must not be '/'"),
        ({"node_path": "/a/.."}, "must not be '/'"),
        ({"paths": []}, "paths is empty"),
        ({"paths": [{"paths": []}]}, "empty entry for all other nodes"),
        ({"paths": [{"node": "w", "paths": ["a"]}]}, "'a' for node w is not absolute"),
        ({"paths": [{"node": "w", "paths": ["/a", "/a/"]}]}, "/a twice for node w"),
        ({"paths": [{"node": "w", "paths": ["/a"]}, {"node": "w", "paths": ["/b"]}]}, "several entries for node w"),
        ({"paths": [{"paths": ["/a"]}, {"node": "", "paths": ["/b"]}]}, "several entries for all other nodes"),
        ({"node_path": "/a", "paths": [{"paths": ["/b"]}]}, "mutually exclusive"),
        ({"namespace": "a.b"}, "namespace 'a.b' is invalid"),
        ({"namespace": "n" * 64}, "namespace 'nn"),
        ({"namespace": ""}, "namespace '' is invalid"),
        ({"replicas": 0}, "replicas must be at least 1"),
        ({"storage_class": ""}, "storage_class '' is invalid"),
        ({"storage_class": "Fast"}, "storage_class 'Fast' is invalid"),
        ({"storage_class": "fast\n"}, "storage_class 'fast\\n' is invalid"),
        ({"worker_threads": 0}, "worker_threads must be at least 1"),
        ({"provisioning_retries": -1}, "provisioning_retries must be at least 0"),
        ({"deletion_retries": -1}, "deletion_retries must be at least 0"),
        ({"helper_timeout": 0}, "helper_timeout must be at least 1"),
        ({"wait_timeout": 0}, "wait_timeout must be at least 1"),
    ],
)
def test_refused(given_options, words):
    with pytest.raises(BadInput) as caught:
        request(**given_options)
    assert words in caught.value.message


@given(st.lists(st.sampled_from(["a", "b", ".", "..", ""]), max_size=6))
def test_a_path_is_kept_clean_or_refused(parts):
    """What is left is what the provisioner's filepath.Abs leaves, and never the root."""
    try:
        found = request(node_path="/" + "/".join(parts)).paths[0].paths[0]
    except BadInput:
        return
    assert found.startswith("/") and not found.endswith("/")
    assert not {"", ".", ".."} & set(found.split("/")[1:])


def test_nodes_that_the_cluster_does_not_have():
    asked = request(paths=[{"paths": ["/a"]}, {"node": "w1", "paths": ["/b"]}, {"node": "w9", "paths": []}])
    with pytest.raises(BadInput) as caught:
        asked.check_nodes(["w2", "w1"])
    assert caught.value.details == ["w9"]
    assert caught.value.next_step == "Its nodes are: w1, w2"
    asked.check_nodes(["w1", "w9"])
