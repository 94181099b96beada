# Copyright: kindlab.volumes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Whether the API server already refuses what a policy forbids: asked by dry runs, so nothing is made."""

from __future__ import annotations

import time
from collections.abc import Callable

from ansible_collections.kindlab.volumes.plugins.module_utils._core.errors import KindlabError, TimedOut, Unreachable
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.api import Object
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.cluster import Cluster

PAUSE = 0.1


def await_refused(
    cluster: Cluster, forbidden: Object, because: str, timeout: float, pause: Callable[[float], None] = time.sleep
) -> None:
    """Wait until creating the object is refused with these words; a new policy counts after a moment only.

    Raises TimedOut, with what is said instead.
    """
    end = time.monotonic() + timeout
    while True:
        try:
            cluster.dry_run(forbidden)
            said = "it would be made"
        except Unreachable:
            raise
        except KindlabError as error:
            said = error.message
            if because in said:
                return
        if time.monotonic() >= end:
            kind, namespace = forbidden["kind"], forbidden["metadata"]["namespace"]
            raise TimedOut(
                f"After {timeout:g} seconds a {kind} in {namespace} is not refused because it {because}: {said}",
                next_step="kubectl get validatingadmissionpolicies,validatingadmissionpolicybindings",
            )
        pause(PAUSE)
