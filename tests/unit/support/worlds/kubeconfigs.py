"""Drawn kubeconfigs: text that a person, another tool or an accident left; none of them ends in a traceback."""

from __future__ import annotations

import base64
import contextlib
import json
import os
import warnings
from collections.abc import Iterator
from typing import Any

from ansible_collections.kindlab.volumes.plugins.module_utils._core.errors import KindlabError
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.kind.kubeconfig import Kubeconfig
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.kube.client import open_cluster
from ansible_collections.kindlab.volumes.tests.unit.support.kind_host import KUBECONFIG

from .choices import Choices
from .names import CLUSTER, Object
from .world import World

# Nobody listens there.
SERVERS = (
    "https://127.0.0.1:1",
    "http://127.0.0.1:1",
    "127.0.0.1:1",
    "",
    "https://",
    "https://[::1",
    "7",
    "ftp://x",
    7,
    None,
)
DATA = ("", base64.b64encode(b"no certificate").decode(), "no base64!", None, 7)
OTHERS: tuple[Any, ...] = (None, [], {}, "", "x", 7, [None], ["x"], [[]], [{}], {"name": None}, True)
TEXTS = (
    b"",
    b"\xff\xfe",
    b"\0",
    b"a: {",
    b"\t",
    b"- x",
    b"7",
    b"[" * 2000,
    b"a: &a [*a]",
    b"--- {}\n--- {}",
    b"!!python/name:os.system x",
)
PARTS = ("clusters", "contexts", "users", "current-context", "apiVersion", "kind", "preferences")


def connect(c: Choices, world: World) -> Iterator[str]:
    """Read a kubeconfig and use it; every error is one of the collection."""
    path = world.top / "drawn-kubeconfig"
    content = c.pick(TEXTS) if c.chance(6) else json.dumps(_config(c)).encode()
    kind = c.number(12)
    if kind == 0:
        path.mkdir()
    elif kind == 1:
        path.symlink_to(path)
    else:
        path.write_bytes(content)
    context = c.pick((None, f"kind-{CLUSTER}", "gone", ""))
    try:
        with warnings.catch_warnings():
            # urllib3 warns of a server without a scheme.
            warnings.simplefilter("ignore")
            open_cluster(CLUSTER, str(path), context).version()
        yield f"somebody answers: {content!r}"
    except KindlabError as error:
        if not error.message:
            yield f"an error without a message: {content!r}"
    for use in (
        lambda file: file.has_cluster(CLUSTER),
        lambda file: file.seems_to_have(CLUSTER),
        lambda file: file.is_of_this_host(CLUSTER),
        lambda file: file.current_context(),
        lambda file: file.has_credentials_of(CLUSTER, KUBECONFIG.format(name=CLUSTER, number=0)),
    ):
        with contextlib.suppress(KindlabError):
            use(Kubeconfig(os.fspath(path)))


def _config(c: Choices) -> Any:
    name = f"kind-{CLUSTER}"
    cluster: Object = {
        "server": c.pick(SERVERS),
        **({"certificate-authority-data": c.pick(DATA)} if c.chance(2) else {}),
    }
    if c.chance(6):
        cluster |= c.pick(
            (
                {"certificate-authority": "/kindlab-nowhere/ca"},
                {"insecure-skip-tls-verify": "x"},
                {"proxy-url": 7},
                {"tls-server-name": []},
            )
        )
    user: Object = c.pick(
        (
            {},
            {"token": "t"},
            {"token": 7},
            {"token": "a\nb"},
            {"client-key-data": c.pick(DATA), "client-certificate-data": c.pick(DATA)},
            {"tokenFile": "/kindlab-nowhere"},
            {"exec": c.pick(OTHERS)},
            {"auth-provider": c.pick(OTHERS)},
            {"username": 7, "password": None},
        )
    )
    config: Object = {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": name, "cluster": cluster}],
        "contexts": [{"name": name, "context": {"cluster": name, "user": name}}],
        "users": [{"name": name, "user": user}],
        "current-context": name,
    }
    for _turn in range(c.number(3)):
        part = c.pick(PARTS)
        if c.chance(2):
            config.pop(part, None)
        elif config.get(part) and isinstance(config[part], list) and isinstance(config[part][0], dict) and c.chance(2):
            entry = config[part][0]
            entry[c.pick((*entry, "name"))] = c.pick(OTHERS)
        else:
            config[part] = c.pick(OTHERS)
    return config
