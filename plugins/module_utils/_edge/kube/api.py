# Copyright: kindlab.volumes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Requests to an API server: answers as dictionaries or line by line, refusals as errors.

The only importer of the Python library kubernetes, for kubeconfigs that kind did not write. Its typed models are not
used: for 1,000 PersistentVolumes they took 0.33 s, the JSON alone 0.04 s.
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Collection, Iterator, Mapping
from importlib.util import find_spec
from typing import Any
from urllib.parse import urlencode
from urllib.request import getproxies

from ansible_collections.kindlab.volumes.plugins.module_utils._core.clock import Deadline
from ansible_collections.kindlab.volumes.plugins.module_utils._core.errors import (
    BadInput,
    Conflict,
    KindlabError,
    Unreachable,
)
from ansible_collections.kindlab.volumes.plugins.module_utils._core.identity.loopback import is_loopback
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kube.objects import Object
from ansible_collections.kindlab.volumes.plugins.module_utils._edge import credentials, text_file

try:
    import urllib3

    MISSING = next((f"No module named '{name}'" for name in ("kubernetes", "yaml") if not find_spec(name)), "")
except ImportError as error:
    MISSING = str(error)


CONNECTIONS = 16
GONE = 410
JSON = "application/json"
# What an API server says of its webhooks and policies: what it says of permissions may name a workload like them.
_ADMISSION = re.compile('admission webhook "|calling webhook "|denied (the )?request')
_CORRECT = (
    "Correct, or delete, the webhook or policy that refuses it: kubectl get validatingwebhookconfigurations,"
    "mutatingwebhookconfigurations,validatingadmissionpolicies"
)


class Api:
    """One API server, by a kubeconfig.

    Every method raises Unreachable if the server does not answer, and KindlabError if it refuses.
    """

    def __init__(self, kubeconfig: str | None = None, context: str | None = None, *, timeout: float = 30) -> None:
        require_library()
        self.timeout = timeout
        self.host = self._ca = ""
        self._pool: Any = None
        self._headers: dict[str, str] = {}
        known = credentials.read(kubeconfig, context) if kubeconfig else None
        if known is None or not self._connect(known):
            self._connect_by_library(kubeconfig, context)

    def _connect(self, known: credentials.Credentials) -> bool:
        """False if these are no certificates."""
        try:
            tls = known.tls()
        except (OSError, ValueError):
            return False
        self.host, self._ca = known.server, known.ca
        self._pool = urllib3.PoolManager(maxsize=CONNECTIONS, ssl_context=tls)
        return True

    def _connect_by_library(self, kubeconfig: str | None, context: str | None) -> None:
        try:
            import kubernetes.config
        except ImportError as error:
            raise _not_importable(error) from None
        try:
            client = kubernetes.config.new_client_from_config(kubeconfig, context)
        except (kubernetes.config.ConfigException, *credentials.UNREADABLE) as error:
            raise BadInput(
                f"The kubeconfig {kubeconfig or 'of this user'} is invalid: {error}",
                next_step="List its contexts: kubectl config get-contexts"
                + (f" --kubeconfig {kubeconfig}" if kubeconfig else ""),
            ) from None
        configuration = client.configuration
        configuration.connection_pool_maxsize = CONNECTIONS
        # As kubectl reads a server without a scheme.
        tls = configuration.ssl_ca_cert or configuration.cert_file or not configuration.verify_ssl
        scheme = "" if "://" in configuration.host else "https://" if tls else "http://"
        self.host = scheme + configuration.host
        if is_loopback(self.host) and configuration.proxy in getproxies().values():
            # As in Go's programs: the environment's proxy is for other hosts; a kubeconfig's own is for this one.
            configuration.proxy = None
        if configuration.ssl_ca_cert and configuration.verify_ssl:
            self._ca = text_file.read(configuration.ssl_ca_cert)
        self._pool = type(client.rest_client)(configuration).pool_manager
        token = configuration.get_api_key_with_prefix("authorization")
        if token:
            self._headers = {"authorization": token}

    @property
    def verified_ca(self) -> str:
        """The certificates, as PEM, by which TLS verifies the server; '' if it does not."""
        return self._ca

    def ask(
        self,
        method: str,
        path: str,
        body: Object | None = None,
        query: Mapping[str, str] | None = None,
        content: str = JSON,
        accept: str = JSON,
        has: Collection[str] = (),
    ) -> Object:
        """The answer to one request, which has these fields.

        Raises Missing for no such object, Conflict for one that exists or was changed.
        """
        response = self._send(method, path, body, query, content, accept)
        if response.status >= 300:
            raise _refusal(response.status, response.data, f"{method} {self.host}{path}")
        found = _object(response.data)
        if found is None or not set(has) <= found.keys():
            raise Unreachable(
                f"What answers at {self.host} is not an API server of Kubernetes.",
                tried=f"{method} {self.host}{path}",
                next_step="See which program listens there, and whether the kubeconfig is that of the cluster: "
                "kubectl cluster-info",
            )
        return found

    def evict(self, path: str, eviction: Object) -> str:
        """Request a pod's eviction: '' if it is granted, else why it is refused now. Raises as ask does.

        The server refuses in three ways: 429 (a budget allows none), 504 (the budget is being changed by others) and
        500 (several budgets select the pod). 403 in a terminating namespace does not count as refused: its pods are
        deleted anyway.
        """
        response = self._send("POST", path, eviction)
        status = _status(response.data)
        causes = (status.get("details") or {}).get("causes") or ()
        message = status.get("message", "")
        if response.status in (429, 504) or (response.status == 500 and "PodDisruptionBudget" in message):
            why = "; ".join(cause.get("message", "") for cause in causes) or message
            return why or f"the API server refused ({response.status})"
        if response.status < 300 or any(cause.get("reason") == "NamespaceTerminating" for cause in causes):
            return ""
        raise _refusal(response.status, response.data, f"POST {self.host}{path}")

    def stream(self, path: str, query: Mapping[str, str], deadline: Deadline) -> Iterator[bytes]:
        """The lines of a streamed answer, until the server ends it or the deadline is over.

        There are none if the server no longer has the requested resourceVersion.
        """
        response = self._send("GET", path, None, query, stream=True, timeout=deadline.left() + 5)
        try:
            if response.status >= 300 and response.status != GONE:
                raise _refusal(response.status, response.read(), f"GET {self.host}{path}")
            if response.status < 300:
                yield from _lines(response, deadline)
        finally:
            response.close()

    def _send(
        self,
        method: str,
        path: str,
        body: Object | None = None,
        query: Mapping[str, str] | None = None,
        content: str = JSON,
        accept: str = JSON,
        *,
        stream: bool = False,
        timeout: float | None = None,
    ) -> Any:
        url = self.host + path + (f"?{urlencode(query)}" if query else "")
        try:
            return self._pool.request(
                method,
                url,
                body=None if body is None else json.dumps(body).encode(),
                headers={**self._headers, "accept": accept, "content-type": content},
                timeout=urllib3.Timeout(connect=5, read=timeout or self.timeout),
                retries=False,
                preload_content=not stream,
            )
        except urllib3.exceptions.HTTPError as error:
            raise Unreachable(
                f"The API server at {self.host} does not answer: {error}",
                tried=f"{method} {url}",
                next_step="Check that the cluster is running and that the kubeconfig is its own: kubectl cluster-info",
            ) from None


class Missing(KindlabError):
    """The object does not exist."""


def require_library() -> None:
    """Raise BadInput if the Python library kubernetes is missing; call it before anything is changed."""
    if MISSING:
        raise _not_importable(MISSING)


def _not_importable(why: object) -> BadInput:
    return BadInput(
        f"The Python library kubernetes cannot be imported by {sys.executable}: {why}",
        next_step=f"{sys.executable} -m pip install kubernetes",
    )


def _lines(response: Any, deadline: Deadline) -> Iterator[bytes]:
    rest = b""
    try:
        for chunk in response.stream(65536):
            *whole, rest = (rest + chunk).split(b"\n")
            yield from (line for line in whole if line)
            if deadline.over():
                return
    except urllib3.exceptions.HTTPError:
        return


def _status(data: bytes) -> Object:
    """The Status that the server returned; text that is not JSON is its message."""
    found = _object(data)
    return {"message": data.decode("utf-8", "replace")[:300]} if found is None else found


def _object(data: bytes) -> Object | None:
    """A JSON object, None for anything else."""
    try:
        found = json.loads(data)
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) else None


def _refusal(status: int, data: bytes, tried: str) -> KindlabError:
    message = str(_status(data).get("message") or "")
    if status == 404:
        return Missing(message or "The object does not exist.", tried=tried)
    if status == 409:
        return Conflict(message, tried=tried, next_step="The object was changed or created meanwhile: run this again.")
    next_step = _CORRECT if _ADMISSION.search(message) else ""
    if status in (401, 403):
        next_step = next_step or "Use a kubeconfig whose user has this permission."
        return KindlabError(message, tried=tried, next_step=next_step)
    return KindlabError(f"The API server refused ({status}): {message}", tried=tried, next_step=next_step)
