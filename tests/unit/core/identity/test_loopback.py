"""URLs of this host, of others, and text that is no URL."""

from __future__ import annotations

import pytest

from ansible_collections.kindlab.volumes.plugins.module_utils._core.identity.loopback import is_loopback


@pytest.mark.parametrize(
    ("server", "here"),
    [
        ("https://127.0.0.1:6443", True),
        ("https://[::1]:6443", True),
        ("https://0.0.0.0:6443", True),
        ("https://localhost:6443", True),
        ("https://10.0.0.1:6443", False),
        ("https://kind.example", False),
        ("127.0.0.1:6443", False),
        ("https://[::1", False),
        ("", False),
    ],
)
def test_where_a_server_is(server: str, here: bool) -> None:
    assert is_loopback(server) is here
