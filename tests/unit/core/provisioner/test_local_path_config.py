"""config.json of local-path-provisioner as people leave it: what cannot be read names no directory."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.kindlab.volumes.plugins.module_utils._core.provisioner.backends.base import NodePaths
from ansible_collections.kindlab.volumes.plugins.module_utils._core.provisioner.backends.local_path import LocalPath
from ansible_collections.kindlab.volumes.plugins.module_utils._core.provisioner.registry import PROVISIONERS
from ansible_collections.kindlab.volumes.tests.unit.support.provisioners import deployment

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(("node", "paths", "a")), inner),
    max_leaves=6,
)
PARTS = st.fixed_dictionaries({}, optional={"nodePathMap": VALUES, "sharedFileSystemPath": VALUES})
CONFIGS = st.fixed_dictionaries(
    {},
    optional={"storageClassConfigs": VALUES | st.dictionaries(st.text(max_size=2), PARTS), "cmdTimeoutSeconds": VALUES},
)


def config_map(text: str) -> dict[str, Any]:
    return {"metadata": {"name": "local-path-config"}, "data": {"config.json": text}}


@pytest.mark.parametrize(
    ("config", "paths"),
    [
        ({"nodePathMap": {"a": 1}}, []),
        (
            {"nodePathMap": None, "storageClassConfigs": {"x": None, "y": {"sharedFileSystemPath": "/y"}}},
            [("", ("/y",))],
        ),
        ({"nodePathMap": [None, "x", {"node": 7, "paths": ["/a"]}, {"node": "n", "paths": None}]}, [("n", ())]),
        ({"nodePathMap": [{"node": "n", "paths": ["/a", 7]}, {"paths": ["/b"]}]}, [("", ("/b",))]),
        ({"storageClassConfigs": ["x"], "sharedFileSystemPath": 7}, []),
    ],
)
def test_the_directories_that_it_names(config: Any, paths: list[Any]) -> None:
    assert list(LocalPath().configured_paths(config_map(json.dumps(config)))) == [NodePaths(*path) for path in paths]


@given(PARTS.flatmap(lambda part: CONFIGS.map(lambda config: {**part, **config})) | VALUES)
def test_any_content_is_read(config: Any) -> None:
    for provisioner in PROVISIONERS.values():
        item = config_map(json.dumps(config))
        assert all(isinstance(path, str) for entry in provisioner.configured_paths(item) for path in entry.paths)
        assert all(isinstance(path, str) for entry in provisioner.paths(deployment(), item) for path in entry["paths"])
        assert all(isinstance(number, int) for number in provisioner.numbers(deployment(), item).values())


def test_content_that_is_nested_too_deeply() -> None:
    assert list(LocalPath().configured_paths(config_map("[" * 100_000))) == []
