# Copyright: kindlab.volumes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Deployments: images, arguments, and why a rollout is stuck."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from .objects import Object


def containers(deployment: Mapping[str, Any]) -> list[Object]:
    """The containers of a Deployment's pods."""
    return list(deployment["spec"]["template"]["spec"]["containers"])


def argv(container: Mapping[str, Any]) -> list[str]:
    """The command and arguments in the manifest; the image's own command is not included."""
    return [*(container.get("command") or ()), *(container.get("args") or ())]


def why_not_ready(
    namespace: str, pods: Iterable[Object], events: Iterable[Object], selector: str = ""
) -> tuple[str, str]:
    """Why a Deployment's pods are not ready, and the next step: a command to paste, or a hint.

    pods: those of the Deployment; events: all of its namespace; selector: the Deployment's, as kubectl takes it.
    """
    warnings = sorted((event for event in events if event.get("type") == "Warning"), key=_time)
    last = {event.get("involvedObject", {}).get("name", ""): event for event in warnings}
    newest = max(pods, key=lambda pod: str(pod["metadata"].get("creationTimestamp", "")), default=None)
    if newest is None:
        whys = [f"{event.get('reason', '')}: {event.get('message', '')}" for event in last.values()]
        command = f"kubectl -n {namespace} describe replicasets{f' -l {selector}' if selector else ''}"
        return "; ".join(["no pod was created", *whys[-1:]]), command
    name = newest["metadata"]["name"]
    reason, message, image = _state(newest)
    parts = [f"pod {name} is {reason}", message]
    event = last.get(name)
    if event and event["message"] not in message:
        parts.append(f"last event {event.get('reason')}: {event['message']}")
    why = "; ".join(part.strip() for part in parts if part)
    if "Image" in reason:
        return why, f"Load {image} into the nodes with kindlab.volumes.kind_image, or use an image that they have."
    verb = "logs --previous" if reason in ("CrashLoopBackOff", "Error") else "describe pod"
    return why, f"kubectl -n {namespace} {verb} {name}"


def _state(pod: Object) -> tuple[str, str, str]:
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


def _time(event: Object) -> str:
    return str(event.get("lastTimestamp") or event.get("eventTime") or event["metadata"].get("creationTimestamp", ""))


def repository(image: str) -> str:
    """The last component of an image's name, without tag and digest."""
    return image.partition("@")[0].rpartition("/")[2].partition(":")[0]


def flag(argv: list[str], name: str) -> str:
    """The value of --name VALUE or --name=VALUE, '' if it is not given."""
    for position, word in enumerate(argv):
        flag, equals, value = word.lstrip("-").partition("=")
        if word.startswith("-") and flag == name:
            return value if equals else "".join(argv[position + 1 : position + 2])
    return ""


def env(container: Mapping[str, Any], name: str) -> str:
    """The value of an environment variable, '' if the manifest does not set it."""
    return next((e.get("value", "") for e in container.get("env") or () if e["name"] == name), "")


def images_on(nodes: Iterable[Object], which: Callable[[Iterable[bool]], bool]) -> list[str]:
    """Names of images (without those by digest) that all nodes report, or any node. which: all or any."""
    each = [
        {name for image in node.get("status", {}).get("images") or () for name in image.get("names") or ()}
        for node in nodes
    ]
    return sorted(name for name in set().union(*each) if "@" not in name and which(name in names for names in each))


def find_image(images: list[str], repositories: Iterable[str]) -> str:
    """The last image of the first repository that has one, '' if none has."""
    matching = ([image for image in images if repository(image) == name] for name in repositories)
    return next((images[-1] for images in matching if images), "")
