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


def test_a_journal_that_cannot_be_read_is_not_taken_for_none() -> None:
    when = tasks("on_drift.yml")["Fail if permission is denied to the journal of"]["when"]
    cut = "tail: cannot open 'recreate.jsonl' for reading: "
    for found in (
        {"stderr": f"{cut}Permission denied"},
        {"msg": "Unable to change directory: [Errno 13] Permission denied"},
    ):
        assert evaluated(when, __provision_journal=found)
    for found in (
        {"stderr": f"{cut}No such file or directory", "msg": "non-zero return code"},
        {"stderr": "", "stdout": "{}"},
    ):
        assert not evaluated(when, __provision_journal=found)
