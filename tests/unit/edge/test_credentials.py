"""Kubeconfigs of kind are read without a library and lead to their API server; all others are left to the library."""

from __future__ import annotations

import base64
import json
import shutil
import ssl
import subprocess
import sys
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest

from ansible_collections.kindlab.volumes.plugins.module_utils._core.errors import BadInput, Unreachable
from ansible_collections.kindlab.volumes.plugins.module_utils._edge import credentials
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.kube import api
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.kube.client import Cluster

Content = dict[str, Any]


def encoded(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


def kubeconfig(port: int = 6443, certificate: str = "CERTIFICATE", key: str = "KEY") -> Content:
    """As kind writes it."""
    cluster = {"server": f"https://127.0.0.1:{port}", "certificate-authority-data": encoded(certificate)}
    user = {"client-certificate-data": encoded(certificate), "client-key-data": encoded(key)}
    return {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": "kind-lab",
        "contexts": [{"name": "kind-lab", "context": {"cluster": "kind-lab", "user": "kind-lab"}}],
        "clusters": [{"name": "kind-lab", "cluster": cluster}],
        "users": [{"name": "kind-lab", "user": user}],
    }


def written(path: Path, content: Any) -> str:
    (path / "kubeconfig").write_text(json.dumps(content))
    return str(path / "kubeconfig")


def test_what_kind_writes(tmp_path: Path) -> None:
    path = written(tmp_path, kubeconfig())
    for context in (None, "kind-lab"):
        found = credentials.read(path, context)
        assert found == credentials.Credentials("https://127.0.0.1:6443", "CERTIFICATE", "CERTIFICATE", "KEY")
    assert credentials.read(path, "another") is None


def _changed(change: Callable[[Content], object]) -> Content:
    content = kubeconfig()
    change(content)
    return content


@pytest.mark.parametrize(
    "content",
    [
        _changed(lambda c: c["clusters"][0]["cluster"].update({"server": "https://api.example:6443"})),
        _changed(lambda c: c["clusters"][0]["cluster"].update({"server": "http://127.0.0.1:6443"})),
        _changed(lambda c: c["clusters"][0]["cluster"].update({"server": 7})),
        _changed(lambda c: c["clusters"][0]["cluster"].update({"tls-server-name": "x"})),
        _changed(lambda c: c["clusters"][0]["cluster"].update({"proxy-url": "http://127.0.0.1:1"})),
        _changed(lambda c: c["clusters"][0]["cluster"].update({"certificate-authority-data": "%"})),
        _changed(lambda c: c["users"][0].update({"user": {"token": "t"}})),
        _changed(lambda c: c["users"][0]["user"].update({"exec": {}})),
        _changed(lambda c: c["users"].append(c["users"][0])),
        _changed(lambda c: c.pop("current-context")),
        _changed(lambda c: c.update({"contexts": None})),
        [],
        None,
        "words",
    ],
)
def test_anything_else_is_left_to_the_library(tmp_path: Path, content: Any) -> None:
    assert credentials.read(written(tmp_path, content), None) is None


@pytest.mark.parametrize("text", ["", "a: {", "\0", "clusters: &a [*a]"])
def test_what_is_no_kubeconfig(tmp_path: Path, text: str) -> None:
    (tmp_path / "kubeconfig").write_text(text)
    assert credentials.read(str(tmp_path / "kubeconfig"), None) is None
    assert credentials.read(str(tmp_path / "missing"), None) is None


class Handler(BaseHTTPRequestHandler):
    """Tells whose certificate a client has."""

    def do_GET(self) -> None:
        subject = self.connection.getpeercert()["subject"]  # type: ignore[attr-defined]
        body = json.dumps({"gitVersion": dict(pair for (pair,) in subject)["commonName"]}).encode()
        self.send_response(200)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_what: object) -> None:
        """Nothing is said."""


@pytest.fixture
def certificate(tmp_path: Path) -> tuple[Path, Path]:
    """One that is server, client and authority."""
    if not shutil.which("openssl"):
        pytest.skip("openssl is not here")
    files = tmp_path / "pem", tmp_path / "key"
    made = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2"]
    names = ["-subj", "/CN=kind", "-addext", "subjectAltName=IP:127.0.0.1"]
    argv = ["openssl", "req", "-x509", *made, *names, "-out", str(files[0]), "-keyout", str(files[1])]
    subprocess.run(argv, check=True, capture_output=True)
    return files


@pytest.fixture
def port(certificate: tuple[Path, Path]) -> Iterator[int]:
    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, cafile=str(certificate[0]))
        context.verify_mode = ssl.CERT_REQUIRED
        context.load_cert_chain(*certificate)
        server.socket = context.wrap_socket(server.socket, server_side=True)
        thread = Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield server.server_port
        server.shutdown()
        thread.join()


def test_both_sides_are_verified(
    tmp_path: Path, certificate: tuple[Path, Path], port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_where: object) -> None:
        raise AssertionError("the library is not needed")

    monkeypatch.setattr(api.Api, "_connect_by_library", fail)
    for name in ("HTTPS_PROXY", "https_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    pem, key = (file.read_text() for file in certificate)
    cluster = Cluster(written(tmp_path, kubeconfig(port, pem, key)))
    assert cluster.version() == "kind" and cluster.server == f"https://127.0.0.1:{port}"
    assert cluster._api.verified_ca == pem
    # The certificate is not for that name.
    (tmp_path / "other").mkdir()
    content = json.loads(json.dumps(kubeconfig(port, pem, key)).replace("127.0.0.1", "localhost"))
    other = written(tmp_path / "other", content)
    with pytest.raises(Unreachable, match="certificate"):
        Cluster(other).version()


def test_a_library_that_cannot_be_imported_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = written(tmp_path, _changed(lambda c: c["users"][0].update({"user": {"token": "t"}})))
    monkeypatch.setitem(sys.modules, "kubernetes.config", None)
    with pytest.raises(BadInput, match="The Python library kubernetes cannot be imported by") as raised:
        Cluster(path)
    assert raised.value.next_step.endswith("-m pip install kubernetes")


def test_no_pass_phrase_is_asked_for_on_the_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    given: list[object] = []
    empty = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    monkeypatch.setattr(ssl, "create_default_context", lambda **_given: empty)
    monkeypatch.setattr(ssl.SSLContext, "load_cert_chain", lambda *_files, password=None: given.append(password))
    credentials.Credentials("https://127.0.0.1", "", "", "").tls()
    assert given == [""]


def test_what_are_no_certificates_are_left_to_the_library(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[tuple[object, ...]] = []
    monkeypatch.setattr(api.Api, "_connect_by_library", lambda _self, *where: asked.append(where))
    path = written(tmp_path, kubeconfig())
    Cluster(path)
    assert asked == [(path, None)]
