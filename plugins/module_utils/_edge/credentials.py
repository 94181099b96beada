# Copyright: kindlab.volumes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Read kubeconfigs as kind writes them, without the library for all others: importing it takes a quarter second."""

from __future__ import annotations

import base64
import ssl
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ansible_collections.kindlab.volumes.plugins.module_utils._core.identity.loopback import is_loopback

try:
    import yaml

    _INVALID_YAML: tuple[type[Exception], ...] = (yaml.YAMLError,)
except ImportError:
    _INVALID_YAML = ()

_CLUSTER = {"server", "certificate-authority-data"}
_USER = {"client-certificate-data", "client-key-data"}
# What reading a kubeconfig that is none may raise.
UNREADABLE: tuple[type[Exception], ...] = (
    OSError,
    ValueError,
    LookupError,
    TypeError,
    AttributeError,
    RecursionError,
    *_INVALID_YAML,
)


@dataclass(frozen=True)
class Credentials:
    """server: the URL of an API server on this host; the others: as PEM."""

    server: str
    ca: str
    certificate: str
    key: str

    def tls(self) -> ssl.SSLContext:
        """What connections to it use. Raises OSError if these are no certificates."""
        context = ssl.create_default_context(cadata=self.ca)
        # As Go's programs, which the certificates are made for.
        context.verify_flags &= ~ssl.VERIFY_X509_STRICT
        with tempfile.NamedTemporaryFile("w") as file:
            file.write(f"{self.certificate}\n{self.key}\n")
            file.flush()
            # Without one, the pass phrase of a key would be asked for on the terminal.
            context.load_cert_chain(file.name, password="")
        return context


def read(path: str, context: str | None) -> Credentials | None:
    """The credentials of a context, by default the current one; None for any other kubeconfig, valid or not."""
    try:
        with open(path, encoding="utf-8") as file:
            content = yaml.safe_load(file)
        chosen = _named(content, "context", context or content["current-context"])
        cluster, user = _named(content, "cluster", chosen["cluster"]), _named(content, "user", chosen["user"])
        if set(cluster) != _CLUSTER or set(user) != _USER or not is_loopback(cluster["server"]):
            return None
        data = (cluster["certificate-authority-data"], user["client-certificate-data"], user["client-key-data"])
        ca, certificate, key = (base64.b64decode(text, validate=True).decode("ascii") for text in data)
    except UNREADABLE:
        return None
    https = cluster["server"].startswith("https://")
    return Credentials(cluster["server"].rstrip("/"), ca, certificate, key) if https else None


def _named(content: Mapping[str, Any], kind: str, name: str) -> Mapping[str, Any]:
    """The only entry of this name. Raises ValueError if there are none or several."""
    (found,) = (entry[kind] for entry in content[f"{kind}s"] if entry["name"] == name)
    return dict(found)
