"""Requests to an API server and the meaning of its answers, with a local server that follows a script."""

from __future__ import annotations

import json
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest

from ansible_collections.kindlab.volumes.plugins.module_utils._core.errors import (
    Conflict,
    KindlabError,
    TimedOut,
    Unreachable,
)
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kube.objects import uid_of
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.kube.client import Cluster

EVICTION = "/api/v1/namespaces/ns/pods/p/eviction"


class Script(ThreadingHTTPServer):
    """Answers each request with the next (status, body); asked: (method, path, body) of every request."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.answers: list[tuple[int, str]] = []
        self.asked: list[tuple[str, str, Any]] = []

    def says(self, *answers: tuple[int, Any]) -> None:
        self.answers = [(code, said if isinstance(said, str) else json.dumps(said)) for code, said in answers]


class Handler(BaseHTTPRequestHandler):
    server: Script

    def answer(self) -> None:
        body = self.rfile.read(int(self.headers.get("content-length", 0)))
        self.server.asked.append((self.command, self.path, json.loads(body) if body else None))
        code, said = self.server.answers.pop(0)
        self.send_response(code)
        self.send_header("content-length", str(len(said)))
        self.end_headers()
        self.wfile.write(said.encode())

    do_GET = do_POST = do_DELETE = answer  # noqa: N815

    def log_message(self, *_what: object) -> None:
        """Nothing is said."""


@pytest.fixture
def server() -> Iterator[Script]:
    with Script() as script:
        thread = Thread(target=script.serve_forever, args=(0.01,))
        thread.start()
        yield script
        script.shutdown()
        thread.join()


@pytest.fixture
def cluster(server: Script, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Cluster:
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy"):
        monkeypatch.delenv(name, raising=False)
    config = {
        "current-context": "c",
        "contexts": [{"name": "c", "context": {"cluster": "c", "user": "u"}}],
        "clusters": [{"name": "c", "cluster": {"server": f"http://127.0.0.1:{server.server_port}"}}],
        "users": [{"name": "u", "user": {}}],
    }
    (tmp_path / "kubeconfig").write_text(json.dumps(config))
    return Cluster(str(tmp_path / "kubeconfig"))


def failure(message: str, *causes: tuple[str, str]) -> dict[str, Any]:
    shown = [{"reason": reason, "message": text} for reason, text in causes]
    return {"kind": "Status", "status": "Failure", "message": message, "details": {"causes": shown}}


BUDGET = ("DisruptionBudget", "The disruption budget b needs 1 healthy pods and has 1 currently")


@pytest.mark.parametrize(
    ("code", "answer", "why"),
    [
        (201, {"kind": "Status", "status": "Success"}, ""),
        (404, failure('pods "p" not found'), ""),
        (429, failure("Cannot evict pod", BUDGET), BUDGET[1]),
        (429, {}, "the API server refused (429)"),
        (429, "Too many requests, please try again later.", "Too many requests, please try again later."),
        (504, failure("couldn't update PodDisruptionBudget"), "couldn't update PodDisruptionBudget"),
        (
            500,
            failure("This pod has more than one PodDisruptionBudget"),
            "This pod has more than one PodDisruptionBudget",
        ),
        (403, failure("ns is being terminated", ("NamespaceTerminating", "ns is being terminated")), ""),
    ],
)
def test_what_an_eviction_is_answered(
    server: Script, cluster: Cluster, code: int, answer: dict[str, Any] | str, why: str
) -> None:
    server.says((code, answer))
    assert cluster.evict("p", "ns", "u1") == why


@pytest.mark.parametrize(
    ("code", "answer", "error"),
    [
        (403, failure("u cannot create pods/eviction"), KindlabError),
        (409, failure("the UID in the precondition (u1) does not match"), Conflict),
        (500, failure("Internal error occurred: a webhook failed"), KindlabError),
    ],
)
def test_an_eviction_that_can_never_be(
    server: Script, cluster: Cluster, code: int, answer: dict[str, Any], error: type[KindlabError]
) -> None:
    server.says((code, answer))
    with pytest.raises(error, match=answer["message"][:20]) as caught:
        cluster.evict("p", "ns", "u1")
    assert caught.value.tried == f"POST http://127.0.0.1:{server.server_port}{EVICTION}"


RIGHTS, ADMISSION = "Use a kubeconfig whose user", "Correct, or delete, the webhook or policy"


@pytest.mark.parametrize(
    ("code", "message", "next_step"),
    [
        (403, None, RIGHTS),
        (403, 'deployments.apps "webhook" is forbidden: User "u" cannot patch resource "deployments"', RIGHTS),
        (403, 'admission webhook "a.b" denied the request: no', ADMISSION),
        (422, "web is forbidden: ValidatingAdmissionPolicy 'p' with binding 'b' denied request: no", ADMISSION),
        (500, 'Internal error occurred: failed calling webhook "a.b": no endpoints available', ADMISSION),
        (500, "etcdserver: leader changed", ""),
    ],
)
def test_who_refused_a_request_is_told(
    server: Script, cluster: Cluster, code: int, message: str | None, next_step: str
) -> None:
    server.says((code, {**failure(""), "message": message}))
    with pytest.raises(KindlabError) as caught:
        cluster.create({"kind": "Pod", **pod("u1")})
    assert (message or "") in caught.value.message
    assert caught.value.next_step.startswith(next_step) and bool(caught.value.next_step) == bool(next_step)


@pytest.mark.parametrize(
    ("given", "sent"), [(None, {}), (0, {"gracePeriodSeconds": 0}), (9, {"gracePeriodSeconds": 9})]
)
def test_an_eviction_is_of_this_very_pod_and_no_grace_is_none(
    server: Script, cluster: Cluster, given: int | None, sent: dict[str, int]
) -> None:
    server.says((201, {}))
    cluster.evict("p", "ns", "u1", given)
    body = {
        "apiVersion": "policy/v1",
        "kind": "Eviction",
        "metadata": {"name": "p", "namespace": "ns"},
        "deleteOptions": {"preconditions": {"uid": "u1"}, **sent},
    }
    assert server.asked == [("POST", EVICTION, body)]


@pytest.mark.parametrize("conditions", [{}, {"uid": "u1", "resourceVersion": "7"}])
def test_a_deletion_may_be_of_this_very_object(server: Script, cluster: Cluster, conditions: dict[str, str]) -> None:
    server.says((200, {}))
    read = {"metadata": {"name": "c", **conditions}} if conditions else None
    cluster.delete("PersistentVolumeClaim", "c", "ns", read=read)
    path = "/api/v1/namespaces/ns/persistentvolumeclaims/c"
    sent = {"preconditions": conditions} if conditions else {}
    assert server.asked == [("DELETE", path, {"propagationPolicy": "Background", **sent})]


def pod(uid: str, name: str = "p") -> dict[str, Any]:
    return {"metadata": {"name": name, "namespace": "ns", "uid": uid}}


def listed(*uids: str) -> dict[str, Any]:
    return {"metadata": {"resourceVersion": "7"}, "items": [pod(uid) for uid in uids]}


def changes(*events: tuple[str, str]) -> str:
    return "".join(json.dumps({"type": kind, "object": pod(uid)}) + "\n" for kind, uid in events)


def test_another_object_of_the_same_name_is_not_waited_for(server: Script, cluster: Cluster) -> None:
    server.says((200, listed("new", "u2")), (200, changes(("MODIFIED", "u2"), ("DELETED", "new"), ("DELETED", "u2"))))
    assert cluster.left_after("Pod", ["u1", "u2"], 60, uid_of, "spec.nodeName=n") == set()
    (_get, first, _none), (_watch, second, _nothing) = server.asked
    assert first == "/api/v1/pods?limit=2000&fieldSelector=spec.nodeName%3Dn"
    assert second.startswith("/api/v1/pods?watch=true&resourceVersion=7&timeoutSeconds=60&fieldSelector=spec.nodeName")


@pytest.mark.parametrize("answers", [[listed("u1", "new")], [listed("u1"), changes(("MODIFIED", "new"))]])
def test_an_object_may_end_the_wait(server: Script, cluster: Cluster, answers: list[Any]) -> None:
    server.says(*((200, answer) for answer in answers))
    assert cluster.left_after("Pod", ["u1"], 60, uid_of, stop=lambda pod: uid_of(pod) == "new") == {"u1"}


def test_what_is_left_when_the_time_is_over(server: Script, cluster: Cluster) -> None:
    server.says((200, listed("u1", "u2")))
    assert cluster.left_after("Pod", ["u1", "u2", "u3"], 0, uid_of) == {"u1", "u2"}


def test_a_watch_that_ends_is_begun_again(server: Script, cluster: Cluster) -> None:
    server.says((200, listed("u1", "u2")), (200, changes(("DELETED", "u1"))), (200, listed("u1")))
    assert cluster.left_after("Pod", ["u2"], 60, uid_of) == set()


@pytest.mark.parametrize(
    ("kind", "key", "command"),
    [("Pod", ("ns", "p"), "kubectl -n ns describe pod p"), ("Node", ("", "n"), "kubectl describe node n")],
)
def test_objects_that_are_not_ready_in_time_are_named(
    cluster: Cluster, kind: str, key: tuple[str, str], command: str
) -> None:
    with pytest.raises(TimedOut, match=f"1 {kind} is not ready after 0 seconds") as caught:
        cluster.wait(kind, bool, [key], 0)
    assert (caught.value.details, caught.value.next_step) == (["/".join(filter(None, key))], command)


def test_an_object_counts_as_ready_until_it_changes(server: Script, cluster: Cluster) -> None:
    pods = {"metadata": {"resourceVersion": "7"}, "items": [pod("u1", "a"), pod("u2", "b")]}
    events = [
        ("ADDED", pod("new", "c")),
        ("DELETED", pod("u1", "a")),
        ("MODIFIED", pod("ok", "b")),
        ("ADDED", pod("ok", "a")),
    ]
    server.says((200, pods), (200, "".join(json.dumps({"type": kind, "object": item}) + "\n" for kind, item in events)))
    ready = {"u1", "ok"}
    cluster.wait("Pod", lambda item: uid_of(item) in ready, [("ns", "a"), ("ns", "b")], 60)
    assert len(server.asked) == 2


@pytest.mark.parametrize("name", ["HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy"])
@pytest.mark.usefixtures("cluster")
def test_no_proxy_is_used_for_this_host(
    server: Script, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    for no_proxy in ("NO_PROXY", "no_proxy"):
        monkeypatch.delenv(no_proxy, raising=False)
    # Nothing listens there.
    monkeypatch.setenv(name, "http://127.0.0.1:1")
    server.says((200, {"gitVersion": "v1"}))
    assert Cluster(str(tmp_path / "kubeconfig")).version() == "v1"


def test_a_proxy_is_used_for_other_hosts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, cluster: Cluster) -> None:
    kubeconfig = tmp_path / "kubeconfig"
    kubeconfig.write_text(kubeconfig.read_text().replace("127.0.0.1", "api.example"))
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:1")
    with pytest.raises(Unreachable, match="proxy"):
        Cluster(str(kubeconfig)).version()
    assert cluster.server.startswith("http://127.0.0.1:")


def test_the_ca_that_a_cluster_publishes(server: Script, cluster: Cluster) -> None:
    server.says((200, {"data": {"ca.crt": "PEM"}}), (404, {}), (403, {"message": "no"}))
    assert [cluster.root_ca() for _time in range(3)] == ["PEM", "", ""]
    assert server.asked[0][1] == "/api/v1/namespaces/kube-system/configmaps/kube-root-ca.crt"


@pytest.mark.parametrize("answer", ["<html>It works!</html>", "", "7", "[]", "null", "[" * 100_000, {}, {"items": []}])
def test_another_program_that_answers_is_no_api_server(server: Script, cluster: Cluster, answer: Any) -> None:
    server.says((200, answer), (200, answer))
    for ask in (cluster.version, lambda: cluster.list("PersistentVolume")):
        with pytest.raises(Unreachable, match=r"answers at http://127\.0\.0\.1:\d+ is not an API server"):
            ask()


@pytest.mark.parametrize("answer", ["7", "[1]", "null", "[" * 100_000])
def test_a_refusal_of_any_form_is_an_error(server: Script, cluster: Cluster, answer: str) -> None:
    server.says((500, answer))
    with pytest.raises(KindlabError, match="refused"):
        cluster.version()
