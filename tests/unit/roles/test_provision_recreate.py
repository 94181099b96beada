"""Recreation of a lab's clusters: clusters of others, and journals of others."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml
from jinja2 import Environment

TASKS = Path(__file__).resolve().parents[3] / "roles" / "provision" / "tasks"


def tasks(file: str) -> dict[str, dict[str, Any]]:
    """Its tasks by the beginning of their names."""
    return {task["name"].partition(" {{")[0]: task for task in yaml.safe_load((TASKS / file).read_text())}


def evaluated(text: str, **values: Any) -> Any:
    return Environment().compile_expression(text.removeprefix("{{").removesuffix("}}"))(**values)  # noqa: S701


def test_the_kubeconfig_of_a_cluster_that_others_created_is_found() -> None:
    text = tasks("recreate.yml")["Apply the lab to"]["vars"]["recreate_kubeconfig"]
    assert evaluated(text, __provision_cluster={"name": "lab"}) == ""
    assert evaluated(text, __provision_cluster={"name": "lab", "kubeconfig": "/k"}) == "/k"
