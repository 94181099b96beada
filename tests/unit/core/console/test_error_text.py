"""Error texts for their reader."""

from __future__ import annotations

import pytest

from ansible_collections.kindlab.volumes.plugins.module_utils._core.console.error_text import (
    AS_ROOT,
    Reader,
    called,
    kubectl_options,
)
from ansible_collections.kindlab.volumes.plugins.module_utils._core.errors import KindlabError

RESTORE = ("path", "verify", "names", "namespaces", "storage_classes", "state", "wait_timeout", "keep", "data")
ROLE = Reader(variables={option: f"restore_{option}" for option in RESTORE})
OWN = Reader("--kubeconfig /k/lab.yaml")


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("Set verify=none to accept it.", "Set restore_verify: none to accept it."),
        ("Set path to a directory.", "Set restore_path to a directory."),
        (
            "Leave them out (names, namespaces, storage_classes).",
            "Leave them out (restore_names, restore_namespaces, restore_storage_classes).",
        ),
        (
            "No volume matches all of names and storage_classes.",
            "No volume matches all of restore_names and restore_storage_classes.",
        ),
        ("or keep fewer generations (keep).", "or keep fewer generations (restore_keep)."),
        ("names is empty: it would select all.", "restore_names is empty: it would select all."),
        ("path 'backup' is not absolute.", "restore_path 'backup' is not absolute."),
        ("or increase wait_timeout, or", "or increase restore_wait_timeout, or"),
        (
            "Run kindlab.volumes.kind_cluster with state=present.",
            "Run kindlab.volumes.kind_cluster with state=present.",
        ),
        (
            "Save it (kindlab.volumes.volume_backup: data=archive), and set path to it.",
            "Save it (kindlab.volumes.volume_backup: data=archive), and set restore_path to it.",
        ),
        (
            "The state of its data is unknown; the path /srv/path is",
            "The state of its data is unknown; the path /srv/path is",
        ),
        ("its data differs: /srv/x/data=1 is new", "its data differs: /srv/x/data=1 is new"),
        ("Claims match 'state=x'.", "Claims match 'state=x'."),
    ],
)
def test_options_are_named_as_the_role_knows_them(text: str, told: str) -> None:
    assert ROLE.prose(text) == told
    assert Reader().prose(text) == text


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("kubectl -n db describe pod x", "kubectl --kubeconfig /k/lab.yaml -n db describe pod x"),
        (
            "Wait: kubectl wait --for=delete namespace/x",
            "Wait: kubectl --kubeconfig /k/lab.yaml wait --for=delete namespace/x",
        ),
        (
            "Edit (kubectl get a and kubectl get b).",
            "Edit (kubectl --kubeconfig /k/lab.yaml get a and kubectl --kubeconfig /k/lab.yaml get b).",
        ),
        ("docker exec lab-control-plane kubectl get pods", "docker exec lab-control-plane kubectl get pods"),
        ("podman exec -i lab-control-plane kubectl get pods", "podman exec -i lab-control-plane kubectl get pods"),
        ("kubectl config get-contexts --kubeconfig /other", "kubectl config get-contexts --kubeconfig /other"),
        ("as kubectl names it", "as kubectl names it"),
        ("/usr/bin/kubectl get pods", "/usr/bin/kubectl get pods"),
    ],
)
def test_kubectl_reaches_the_cluster_of_the_run(text: str, told: str) -> None:
    assert OWN.prose(text) == told
    assert Reader().prose(text) == text


def test_options_of_kubectl_are_quoted() -> None:
    assert kubectl_options("/a b/c", "kind-lab") == "--kubeconfig '/a b/c' --context kind-lab"
    assert kubectl_options("", "") == ""


def test_kind_uses_the_engine_of_the_run() -> None:
    reader = Reader(kind="KIND_EXPERIMENTAL_PROVIDER=podman")
    assert reader.prose("Write it: kind export kubeconfig") == (
        "Write it: KIND_EXPERIMENTAL_PROVIDER=podman kind export kubeconfig"
    )
    assert reader.prose("KIND_EXPERIMENTAL_PROVIDER=podman kind get clusters").count("KIND_EXPERIMENTAL_PROVIDER") == 1
    assert reader.prose("a kind of volume") == "a kind of volume"


def test_root_is_not_suggested_if_it_does_not_help() -> None:
    text = f"Check that it is readable, or {AS_ROOT}."
    assert Reader().prose(text) == text
    assert "become" not in Reader(root_helps=False).prose(text)


def test_a_request_is_a_command() -> None:
    error = KindlabError("No.", tried="GET https://127.0.0.1:6443/api/v1/pods?limit=1", next_step="Set verify=none.")
    assert Reader("--context c", variables={"verify": "v"}).text(error).splitlines() == [
        "No.",
        "Command: kubectl --context c get --raw '/api/v1/pods?limit=1'",
        "Next: Set v: none.",
    ]


@pytest.mark.parametrize(
    ("step", "told"),
    [
        ("Set force=true.", ""),
        ("Delete it, or set force=true.", "Delete it."),
        ("Set force=true, or delete it.", "Delete it."),
        ("End it. Or scale it: force=true.", "End it."),
        ("Delete it (kubectl delete pv x), or wait.", "Delete it (kubectl delete pv x), or wait."),
        ("\n- Set force=true.\n- Delete it.", "Delete it."),
        ("\n- Set force=true.\n- Delete it.\n- Wait.", "\n- Delete it.\n- Wait."),
        ("Set image to it.", "Set options.image to it."),
        ("Run kindlab.volumes.kind_cluster with force=true.", "Run kindlab.volumes.kind_cluster with force=true."),
    ],
)
def test_steps_that_need_a_missing_option_are_left_out(step: str, told: str) -> None:
    assert Reader(variables={"force": "", "image": "options.image"}).step(step) == told


def test_details_are_rewritten_where_they_advise() -> None:
    details = [
        {"name": "force=true", "why": "kubectl get x", "next_step": "Set force=true.", "n": 1, "rows": [{"a": 1}]}
    ]
    assert Reader("--context c", variables={"force": "drain_force"}).details(details) == [
        {
            "name": "force=true",
            "why": "kubectl --context c get x",
            "next_step": "Set drain_force: true.",
            "n": 1,
            "rows": [{"a": 1}],
        }
    ]
    assert Reader().details(["one"]) == ["one"]


def test_variables_have_a_prefix_or_a_name_of_their_own() -> None:
    given = {"prefix": "storage_", "names": {"name": "storage_provisioner"}}
    assert called({"name": "name", "image": "image", "below": "options.below", "none": ""}, given) == {
        "name": "storage_provisioner",
        "image": "storage_image",
        "below": "storage_options.below",
        "none": "",
    }
    assert called({"name": "name"}, None) == {"name": "name"}
