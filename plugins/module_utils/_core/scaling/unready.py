# Copyright: kindlab.volumes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Why workloads are not ready: pods that cannot start, and pods that may not be created."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from ansible_collections.kindlab.volumes.plugins.module_utils._core.errors import KindlabError, TimedOut
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kube.conditions import is_ready
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kube.objects import Object, uid_of
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kube.pods import controller, is_terminating
from ansible_collections.kindlab.volumes.plugins.module_utils._core.text import be, count, listed

_STARTING = ("ContainerCreating", "PodInitializing", "Pending", "Running", "not ready", "ContainersNotReady")
# Reasons that nobody but the user removes; of the others, those whose message says so.
_FINAL = ("InvalidImageName", "ErrImageNeverPull", "CreateContainerConfigError")
# What a controller is about to create, in a new namespace for example.
_TRANSIENT = re.compile(r'failed to sync|timed out|waiting for|"kube-root-ca\.crt"|serviceaccount "default"')
_NO_IMAGE = re.compile(r"not found|denied|unauthorized|manifest unknown|no match for platform")
_FINAL_MESSAGE = {
    "ErrImagePull": _NO_IMAGE,
    "ImagePullBackOff": _NO_IMAGE,
    "FailedMount": re.compile(r"(configmap|secret) \S+ not found|non-existent|type check failed"),
    "FailedCreate": re.compile(r"forbidden|denied|is invalid|not found"),
    "Unschedulable": re.compile(r'persistentvolumeclaim "\S+" not found'),
}
_NAMED = ("FailedMount", "FailedAttachVolume", "FailedCreatePodSandBox", "FailedScheduling", "Unhealthy")


@dataclass(frozen=True)
class Obstacle:
    """Why a workload, or a pod that is waited for itself, is not ready.

    workload: 'namespace/Kind/name'; pod: 'namespace/name', '' if none was created. final: it stays until somebody
    changes something. told_at: when an event told of it last, which may be over; '' for what is so now.
    """

    workload: str
    pod: str
    reason: str
    message: str
    next_step: str
    final: bool = False
    told_at: str = ""

    def text(self) -> str:
        """The obstacle as a part of a sentence."""
        who = f"pod {self.pod} is {self.reason}" if self.pod else f"no pod is created, {self.reason}"
        if self.workload.split("/")[1] == "Pod":
            return f"{self.pod} is {self.reason}{f': {self.message}' if self.message else ''}"
        return f"{self.workload}: {who}{f': {self.message}' if self.message else ''}"

    def as_dict(self) -> Object:
        """The row in an error's details."""
        return {name: value for name, value in asdict(self).items() if name != "told_at"}


def obstacles(
    items: Iterable[Object],
    pods: Iterable[Object],
    replica_sets: Iterable[Object],
    events: Iterable[Object],
    since: str = "",
) -> list[Obstacle]:
    """What keeps workloads from being ready, one obstacle per workload and reason; [] if nothing is known.

    since: when they were scaled up (UTC, 2026-11-23T06:57:00Z): older events of workloads do not count.
    """
    by_maker: dict[str, list[Object]] = {}
    for made in (*pods, *replica_sets):
        reference = controller(made)
        if reference is not None and not is_terminating(made):
            by_maker.setdefault(reference.get("uid", ""), []).append(made)
    warnings: dict[tuple[str, str], list[Object]] = {}
    for event in sorted((event for event in events if event.get("type") == "Warning"), key=event_time):
        about = event.get("involvedObject") or {}
        warnings.setdefault((about.get("kind", ""), about.get("uid", "")), []).append(event)
    found: dict[tuple[str, str], Obstacle] = {}
    for item in items:
        for obstacle in _of_workload(item, by_maker, warnings, since):
            found.setdefault((obstacle.workload, obstacle.reason), obstacle)
    return list(found.values())


def _of_workload(
    item: Object, by_maker: Mapping[str, list[Object]], warnings: Mapping[tuple[str, str], list[Object]], since: str
) -> Iterator[Obstacle]:
    namespace, name = item["metadata"]["namespace"], item["metadata"]["name"]
    workload = f"{namespace}/{item['kind']}/{name}"
    made = [item] if item["kind"] == "Pod" else by_maker.get(uid_of(item), [])
    replica_sets = [other for other in made if other["kind"] == "ReplicaSet"]
    for pod in (*made, *(pod for other in replica_sets for pod in by_maker.get(uid_of(other), []))):
        if pod["kind"] == "Pod" and not is_ready(pod):
            reason, message, told_at = *pod_state(pod)[:2], ""
            if reason in _STARTING:
                last = [e for e in warnings.get(("Pod", uid_of(pod)), ()) if e.get("reason") in _NAMED][-1:]
                told = [(e["reason"], e.get("message", ""), event_time(e)) for e in last]
                reason, message, told_at = told[0] if told else ("", "", "")
            if reason:
                step = f"kubectl -n {namespace} describe pod {pod['metadata']['name']}"
                pod_name = f"{namespace}/{pod['metadata']['name']}"
                yield Obstacle(workload, pod_name, reason, message.strip(), step, _is_final(reason, message), told_at)
    for maker in (item, *replica_sets):
        kind = maker["kind"]
        step = f"kubectl -n {namespace} describe {kind.lower()} {maker['metadata']['name']}"
        refused = [e for e in warnings.get((kind, uid_of(maker)), ()) if e.get("reason") == "FailedCreate"]
        # What was created after the event was not refused any more.
        created = (str(other["metadata"].get("creationTimestamp", "")) for other in by_maker.get(uid_of(maker), ()))
        newest = max(created, default="")
        messages = [e.get("message", "") for e in refused if event_time(e) >= max(since, newest)][-1:]
        conditions = (maker.get("status") or {}).get("conditions") or ()
        messages += [
            c.get("message", "") for c in conditions if c["type"] == "ReplicaFailure" and c["status"] == "True"
        ]
        for message in messages[-1:]:
            yield Obstacle(workload, "", "FailedCreate", message, step, _is_final("FailedCreate", message))


def _is_final(reason: str, message: str) -> bool:
    if _TRANSIENT.search(message):
        return False
    pattern = _FINAL_MESSAGE.get(reason)
    return reason in _FINAL or (pattern is not None and bool(pattern.search(message)))


def cannot_start(found: Sequence[Obstacle]) -> KindlabError:
    """The error if workloads will not be ready by themselves."""
    names = sorted({obstacle.workload for obstacle in found})
    return KindlabError(
        f"{count(len(names), _noun(names))} cannot start, and will not without a change: "
        f"{listed([obstacle.text() for obstacle in found], separator='; ')}.",
        next_step=f"Remove the cause, then run this again: {found[0].next_step}",
        details=[obstacle.as_dict() for obstacle in found],
    )


def not_ready(waiting: Sequence[str], found: Sequence[Obstacle], seconds: float, command: str) -> TimedOut:
    """The error if workloads ('namespace/Kind/name') are not ready in time. command: to find out why."""
    explained = {obstacle.workload for obstacle in found}
    texts = [obstacle.text() for obstacle in found] + [name for name in waiting if name not in explained]
    return TimedOut(
        f"{count(len(waiting), _noun(waiting))} {be(len(waiting))} not ready after {seconds:g} seconds: "
        f"{listed(texts, separator='; ')}.",
        next_step=found[0].next_step if found else command,
        details=[obstacle.as_dict() for obstacle in found] or list(waiting),
    )


def _noun(names: Iterable[str]) -> str:
    """What 'namespace/Kind/name' are called together."""
    return "pod" if all(name.split("/")[1] == "Pod" for name in names) else "workload"


def why_not_ready(
    namespace: str, pods: Iterable[Object], events: Iterable[Object], selector: str = ""
) -> tuple[str, str]:
    """Why a Deployment's pods are not ready, and the next step: a command to paste, or a hint.

    pods: those of the Deployment; events: all of its namespace; selector: the Deployment's, as kubectl takes it.
    """
    warnings = sorted((event for event in events if event.get("type") == "Warning"), key=event_time)
    last = {event.get("involvedObject", {}).get("name", ""): event for event in warnings}
    newest = max(pods, key=lambda pod: str(pod["metadata"].get("creationTimestamp", "")), default=None)
    if newest is None:
        whys = [f"{event.get('reason', '')}: {event.get('message', '')}" for event in last.values()]
        command = f"kubectl -n {namespace} describe replicasets{f' -l {selector}' if selector else ''}"
        return "; ".join(["no pod was created", *whys[-1:]]), command
    name = newest["metadata"]["name"]
    reason, message, image = pod_state(newest)
    parts = [f"pod {name} is {reason}", message]
    event = last.get(name)
    if event and event["message"] not in message:
        parts.append(f"last event {event.get('reason')}: {event['message']}")
    why = "; ".join(part.strip() for part in parts if part)
    if "Image" in reason:
        return why, f"Load {image} into the nodes with kindlab.volumes.kind_image, or use an image that they have."
    verb = "logs --previous" if reason in ("CrashLoopBackOff", "Error") else "describe pod"
    return why, f"kubectl -n {namespace} {verb} {name}"


def pod_state(pod: Mapping[str, Any]) -> tuple[str, str, str]:
    """(reason, message, image) of the first container or condition that keeps a pod from being ready."""
    status = pod.get("status") or {}
    for container in [*(status.get("initContainerStatuses") or ()), *(status.get("containerStatuses") or ())]:
        waiting = (container.get("state") or {}).get("waiting")
        ended = (container.get("state") or {}).get("terminated") or (container.get("lastState") or {}).get("terminated")
        if waiting or ended or not container.get("ready"):
            reason = (waiting or {}).get("reason") or (ended or {}).get("reason") or "not ready"
            code = f"exit code {ended['exitCode']}: {ended.get('message', '').strip()}" if ended else ""
            return reason, code or (waiting or {}).get("message", ""), container.get("image", "")
    for condition in status.get("conditions") or ():
        if condition.get("status") == "False" and condition.get("message"):
            return condition.get("reason") or status.get("phase", "Pending"), condition["message"], ""
    return status.get("phase", "Pending"), "", ""


def event_time(event: Mapping[str, Any]) -> str:
    """When an event happened last, as text that sorts by time."""
    return str(event.get("lastTimestamp") or event.get("eventTime") or event["metadata"].get("creationTimestamp", ""))
