"""Options that name a configuration file of kind, or have its content."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from ansible_collections.kindlab.volumes.plugins.module_utils._core.errors import BadInput
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.kind.source.config_file import with_config

TEXT = "kind: Cluster\napiVersion: kind.x-k8s.io/v1alpha4\nnodes:\n- role: control-plane\n- role: worker\n"
NODES = [{"role": "control-plane"}, {"role": "worker"}]


def test_a_path_and_a_content(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "kind.yaml").write_text(TEXT)
    monkeypatch.setenv("HOME", str(tmp_path))
    content = {"kind": "Cluster", "apiVersion": "kind.x-k8s.io/v1alpha4", "nodes": NODES}
    for config in (str(tmp_path / "kind.yaml"), "~/kind.yaml", content):
        assert with_config({"config": config, "image": "n:1"}, "lab") == {"image": "n:1", "nodes": NODES}


def test_options_without_one() -> None:
    assert with_config({"config": None, "workers": 1}, "lab") == with_config({"workers": 1}, "lab") == {"workers": 1}


def test_options_count_over_the_file(tmp_path: Path) -> None:
    (tmp_path / "kind.yaml").write_text(TEXT)
    given = {"config": str(tmp_path / "kind.yaml"), "workers": 2, "control_planes": None, "labels": None}
    assert with_config(given, "lab") == {"nodes": [*NODES, {"role": "worker"}], "labels": None}


def test_fields_of_kind_that_have_an_option() -> None:
    with pytest.raises(BadInput, match="kind_fields has featureGates, which other options set"):
        with_config({"kind_fields": {"featureGates": {}}}, "lab")


@pytest.mark.parametrize(
    ("config", "text"),
    [
        ("kind.yaml", "is not an absolute path"),
        ("/nonexistent/kind.yaml", "/nonexistent/kind.yaml cannot be read: No such file"),
        ("{}/binary", "cannot be read: it is not text"),
        ("{}/broken", "is not valid YAML"),
        ("{}/empty", "is not a configuration of kind"),
        (7, "config is not a configuration of kind"),
    ],
)
def test_files_that_are_none(tmp_path: Path, config: Any, text: str) -> None:
    (tmp_path / "binary").write_bytes(b"\xff\xfe")
    (tmp_path / "broken").write_text("a: [")
    (tmp_path / "empty").write_text("")
    with pytest.raises(BadInput, match=text) as raised:
        with_config({"config": config.format(tmp_path) if isinstance(config, str) else config}, "lab")
    assert raised.value.next_step
