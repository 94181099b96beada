"""Whether an API server is that of node containers: by the CA, whatever the names are."""

from __future__ import annotations

import pytest

from ansible_collections.kindlab.volumes.plugins.module_utils._core.errors import BadInput, Unreachable
from ansible_collections.kindlab.volumes.plugins.module_utils._core.identity.cluster import Answer, check_same_cluster
from ansible_collections.kindlab.volumes.plugins.module_utils._core.identity.look import Look
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kind.nodes import Node

NODES = (Node("lab-control-plane", "lab", "control-plane"), Node("lab-worker", "lab", "worker"))
OWN, OTHER = "a" * 64, "b" * 64


def looks(*digests: str) -> dict[str, Look]:
    return {node.name: Look("b", frozenset({d} - {""})) for node, d in zip(NODES, digests, strict=False)}


def check(seen: dict[str, Look], *digests: str, names: tuple[str, ...] = ("lab-control-plane", "lab-worker")) -> None:
    answer = Answer("https://127.0.0.1:4000", frozenset(digests), frozenset(names))
    check_same_cluster("lab", NODES, seen, answer, "docker")


def test_the_same_ca() -> None:
    check(looks(OWN, OWN), OWN)
    check(looks("", OWN), OWN)
    # While a CA is replaced there are two.
    check(looks(OWN), OWN, OTHER)


def test_another_cluster_with_the_same_names() -> None:
    with pytest.raises(BadInput) as raised:
        check(looks(OWN, OWN), OTHER)
    assert raised.value.message == (
        "The kubeconfig points to another cluster than lab: its CA certificate has the sha256 bbbbbbbbbbbbbbbb..., "
        "that in lab-control-plane aaaaaaaaaaaaaaaa.... The API server at https://127.0.0.1:4000 has the nodes "
        "lab-control-plane, lab-worker; lab of docker has lab-control-plane, lab-worker."
    )
    assert raised.value.next_step.endswith("kind get kubeconfig --name lab")


def test_another_cluster_with_the_same_ca() -> None:
    with pytest.raises(BadInput, match="no node in common"):
        check(looks(OWN), OWN, names=("other-control-plane",))


def test_an_api_server_that_does_not_show_its_ca() -> None:
    with pytest.raises(BadInput, match="does not show a CA certificate"):
        check(looks(OWN))


def test_no_running_node_proves_nothing() -> None:
    with pytest.raises(Unreachable, match=r"No node of lab is running; what answers at .* is another cluster's"):
        check({}, OWN)


def test_nodes_without_a_ca() -> None:
    with pytest.raises(Unreachable, match="kubeadm has not finished"):
        check(looks("", ""), OWN)
    with pytest.raises(Unreachable, match="lab-worker: it hangs"):
        check({"lab-worker": Look(error="it hangs")}, OWN)
