# Copyright: kindlab.volumes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Wait until workloads are ready, and tell as soon as it is known which of them cannot be."""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from functools import partial

from ansible_collections.kindlab.volumes.plugins.module_utils._core.clock import Deadline
from ansible_collections.kindlab.volumes.plugins.module_utils._core.errors import KindlabError, TimedOut
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kube.conditions import is_ready
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kube.objects import Object
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kube.workloads import has_finished, key
from ansible_collections.kindlab.volumes.plugins.module_utils._core.scaling.unready import (
    Obstacle,
    cannot_start,
    not_ready,
    obstacles,
)

from .client import Cluster
from .resources import describe_command, key_of, key_text

# Seconds between two looks at pods.
PAUSE = 2.0
# Those that something final must have been there. What an event tells must be told again after them, as it may be over;
# kubelet tries after 0.5, 1.5, 3.5, 7.5 seconds and so on.
STABLE = 5.0
# Clocks tell whole seconds in events.
_TOLERANCE = 1.0


def wait_ready(cluster: Cluster, items: Iterable[Object], deadline: Deadline) -> None:
    """Wait until workloads are ready, or gone; Jobs and CronJobs always are. items: at least kind, namespace and name.

    Raises KindlabError, with the reason, as soon as it is known that some cannot start, and TimedOut.
    """
    waiting = list(items)
    began, whole = time.time() - _TOLERANCE, deadline.left()
    since = _utc(began)
    seen: dict[tuple[str, str, str], float] = {}
    while waiting := _not_ready(cluster, waiting, deadline.left(0.1)):
        # A rollout may have replaced a pod, or somebody deleted a workload.
        waiting, found = _find(cluster, waiting, since)
        now = whole - deadline.left()
        final = {(o.workload, o.reason, o.message): o for o in found if o.final}
        seen = {name: seen.get(name, now) for name in final}
        if stable := [final[name] for name, first in seen.items() if _is_stable(final[name], first, now, began)]:
            raise cannot_start(stable)
        if waiting and deadline.over():
            command = describe_command(waiting[0]["kind"], key_of(waiting[0]))
            raise not_ready([key(item) for item in waiting], found, deadline.seconds, command)


def _is_stable(found: Obstacle, first: float, now: float, began: float) -> bool:
    """Whether it stays. first, now: when it was seen first, and last, in seconds since began."""
    return now - first >= STABLE and (not found.told_at or found.told_at >= _utc(began + first + STABLE))


def _utc(seconds: float) -> str:
    """A time as events have it."""
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(seconds))


def warnings(cluster: Cluster, items: Iterable[Object], seconds: float = 0.0) -> tuple[str, ...]:
    """What keeps workloads from being ready, as far as it can be seen after so many seconds, or as soon as all are."""
    items = list(items)
    if not items:
        return ()
    if seconds:
        try:
            wait_ready(cluster, items, Deadline(seconds))
        except TimedOut:
            pass
        except KindlabError as error:
            return (error.message,)
        else:
            return ()
    return tuple(f"{obstacle.text()}." for obstacle in _find(cluster, items, "")[1])


def _not_ready(cluster: Cluster, items: Sequence[Object], left: float) -> list[Object]:
    """Those that are not ready after PAUSE seconds, or when the time is over."""
    pause = Deadline(min(PAUSE, left))
    waiting = []
    for kind in sorted({item["kind"] for item in items}):
        own = [item for item in items if item["kind"] == kind]
        try:
            cluster.wait(kind, is_ready, [key_of(item) for item in own], pause.left(0.1))
        except TimedOut as error:
            waiting += [item for item in own if key_text(key_of(item)) in error.details]
    return waiting


def _find(cluster: Cluster, items: Sequence[Object], since: str) -> tuple[list[Object], list[Obstacle]]:
    """Those that exist, and what is in their way."""
    names = {key(item) for item in items}
    kinds = sorted({item["kind"] for item in items})
    all_pods, replica_sets, *others = cluster.lists("Pod", "ReplicaSet", *kinds)
    named = [item for kind in others for item in kind if key(item) in names and not has_finished(item)]
    namespaces = sorted({item["metadata"]["namespace"] for item in items})
    events = [event for found in cluster.each(partial(_events, cluster), namespaces) for event in found]
    there = {key(item) for kind in others for item in kind}
    return [item for item in items if key(item) in there], obstacles(named, all_pods, replica_sets, events, since)


def _events(cluster: Cluster, namespace: str) -> list[Object]:
    """The events of a namespace; none if this user may not read them: they only explain."""
    try:
        return cluster.list("Event", namespace)
    except KindlabError:
        return []
