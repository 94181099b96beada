# Copyright: kindlab.volumes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Requests to an API server: as the kubeconfig says, answers as dictionaries or line by line, refusals as errors.

The only importer of kubernetes: it reads the kubeconfig and sets up the connections, which are then used as they are.
"""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import urlencode

from ansible_collections.kindlab.volumes.plugins.module_utils._core.errors import (
    BadInput,
    Conflict,
    KindlabError,
    Unreachable,
)
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kube.objects import Object

try:
    import kubernetes.config
    import urllib3

    MISSING = ""
except ImportError as error:
    MISSING = str(error)


CONNECTIONS = 16
GONE = 410


class Api:
    """One API server, by a kubeconfig.

    Every method raises Unreachable where the server does not answer, and KindlabError where it refuses.
    """

    def __init__(self, kubeconfig: str | None = None, context: str | None = None, *, timeout: float = 30) -> None:
        require_library()
        if kubeconfig and not os.path.exists(kubeconfig):
            raise BadInput(
                f"The kubeconfig {kubeconfig} does not exist.",
                next_step="Name the right file, or write it: kind export kubeconfig --name NAME --kubeconfig FILE",
            )
        try:
            client = kubernetes.config.new_client_from_config(kubeconfig, context)
        except (kubernetes.config.ConfigException, TypeError) as error:
            raise BadInput(
                f"The kubeconfig {kubeconfig or 'of this user'} can't be used: {error}",
                next_step="kubectl config get-contexts shows what it holds.",
            ) from None
        configuration = client.configuration
        configuration.connection_pool_maxsize = CONNECTIONS
        self.host: str = configuration.host
        self.timeout = timeout
        self._pool = type(client.rest_client)(configuration).pool_manager
        token = configuration.get_api_key_with_prefix("authorization")
        self._headers = {"authorization": token} if token else {}

    def ask(
        self,
        method: str,
        path: str,
        body: Object | None = None,
        query: Mapping[str, str] | None = None,
        content: str = "application/json",
    ) -> Object:
        """The answer to one request; Missing where there is no such thing, Conflict where it is there or changed."""
        response = self._send(method, path, body, query, content)
        if response.status < 300:
            return dict(json.loads(response.data))
        raise _refusal(response.status, response.data, f"{method} {self.host}{path}")

    def evict(self, path: str, eviction: Object) -> str:
        """Ask for a pod's eviction: '' where it is on its way, else why it can't be now. Raises as ask does.

        The server says so in three ways: 429 (a budget allows none), 504 (others change the budget at the same time)
        and 500 (there is more than one budget). 403 in a namespace that is being deleted is no refusal: its pods go
        anyway.
        """
        response = self._send("POST", path, eviction)
        said = _status(response.data)
        causes = (said.get("details") or {}).get("causes") or ()
        message = said.get("message", "")
        if response.status in (429, 504) or (response.status == 500 and "PodDisruptionBudget" in message):
            why = "; ".join(cause.get("message", "") for cause in causes) or message
            return why or f"the API server refused ({response.status})"
        if response.status < 300 or any(cause.get("reason") == "NamespaceTerminating" for cause in causes):
            return ""
        raise _refusal(response.status, response.data, f"POST {self.host}{path}")

    def stream(self, path: str, query: Mapping[str, str], end: float) -> Iterator[bytes]:
        """The lines of an answer that goes on, until the server ends it or the (monotonic) time has come.

        There are none where the server no longer knows the resourceVersion that is asked for.
        """
        response = self._send("GET", path, None, query, stream=True, timeout=end - time.monotonic() + 5)
        try:
            if response.status >= 300 and response.status != GONE:
                raise _refusal(response.status, response.read(), f"GET {self.host}{path}")
            if response.status < 300:
                yield from _lines(response, end)
        finally:
            response.close()

    def _send(
        self,
        method: str,
        path: str,
        body: Object | None = None,
        query: Mapping[str, str] | None = None,
        content: str = "application/json",
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
                headers={**self._headers, "accept": "application/json", "content-type": content},
                timeout=urllib3.Timeout(connect=5, read=timeout or self.timeout),
                retries=False,
                preload_content=not stream,
            )
        except urllib3.exceptions.HTTPError as error:
            raise Unreachable(
                f"The API server at {self.host} does not answer: {error}",
                tried=f"{method} {url}",
                next_step="See whether the cluster runs (kind get clusters, docker ps) and the kubeconfig is its own.",
            ) from None


class Missing(KindlabError):
    """There is no such object."""


def require_library() -> None:
    """Raise BadInput where the Python library kubernetes is missing; before something is changed."""
    if MISSING:
        raise BadInput(
            f"The Python library kubernetes can't be imported by {sys.executable}: {MISSING}",
            next_step=f"{sys.executable} -m pip install kubernetes",
        )


def _lines(response: Any, end: float) -> Iterator[bytes]:
    rest = b""
    try:
        for chunk in response.stream(65536):
            *whole, rest = (rest + chunk).split(b"\n")
            yield from (line for line in whole if line)
            if time.monotonic() >= end:
                return
    except urllib3.exceptions.HTTPError:
        return


def _status(data: bytes) -> Object:
    """The Status that the server says; what is no JSON is its message."""
    try:
        return dict(json.loads(data))
    except ValueError:
        return {"message": data.decode("utf-8", "replace")[:300]}


def _refusal(status: int, data: bytes, tried: str) -> KindlabError:
    message = _status(data).get("message", "")
    if status == 404:
        return Missing(message or "There is no such object.", tried=tried)
    if status == 409:
        return Conflict(message, tried=tried, next_step="It was changed or made meanwhile: run this again.")
    if status in (401, 403):
        return KindlabError(message, tried=tried, next_step="Use a kubeconfig whose user has the right to do this.")
    return KindlabError(f"The API server refused ({status}): {message}", tried=tried)
