# Copyright: kindlab.volumes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Deployments and pods read: what they run, whether they serve, and why they don't."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from .objects import Object


def containers(deployment: Mapping[str, Any]) -> list[Object]:
    """The containers of a Deployment's pods."""
    return list(deployment["spec"]["template"]["spec"]["containers"])


def argv(container: Mapping[str, Any]) -> list[str]:
    """The command and arguments as the manifest has them; without a command the image's own comes before."""
    return [*(container.get("command") or ()), *(container.get("args") or ())]


def rollout_complete(deployment: Mapping[str, Any]) -> bool:
    """True where all wanted pods run the newest template and are available, and no older one is left."""
    status = deployment.get("status") or {}
    wanted = deployment["spec"].get("replicas", 1)
    counts = [status.get(field, 0) for field in ("replicas", "updatedReplicas", "availableReplicas")]
    return (
        "deletionTimestamp" not in deployment["metadata"]
        and status.get("observedGeneration", 0) >= deployment["metadata"].get("generation", 0)
        and counts == [wanted] * 3
    )


def why_not_ready(pods: Iterable[Object], events: Iterable[Object]) -> tuple[str, str]:
    """What keeps a Deployment's pods from running, and the next step.

    pods: those of the Deployment; events: of its namespace.
    """
    named = {pod["metadata"]["name"]: pod for pod in pods}
    said = [e for e in events if e.get("type") == "Warning"]
    last = {e.get("involvedObject", {}).get("name", ""): e for e in sorted(said, key=_when)}
    if not named:
        whys = [f"{e.get('reason', '')}: {e.get('message', '')}" for e in last.values()]
        return "; ".join(["no pod was made", *whys[-1:]]), "kubectl describe the Deployment's ReplicaSet."
    name, pod = sorted(named.items(), key=lambda item: item[1]["metadata"].get("creationTimestamp", ""))[-1]
    reason, message, image = _state(pod)
    parts = [f"pod {name} is {reason}", message]
    event = last.get(name)
    if event and event["message"] not in message:
        parts.append(f"last event {event.get('reason')}: {event['message']}")
    return "; ".join(part.strip() for part in parts if part), _next(reason, image, pod["metadata"])


def _state(pod: Object) -> tuple[str, str, str]:
    """(reason, message, image) of the first thing that keeps a pod from being ready."""
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


def _next(reason: str, image: str, metadata: Object) -> str:
    if "Image" in reason:
        return f"Load {image} into the nodes (module kindlab.volumes.kind_image), or name an image that they have."
    verb = "logs --previous" if reason in ("CrashLoopBackOff", "Error") else "describe pod"
    return f"kubectl -n {metadata['namespace']} {verb} {metadata['name']}"


def _when(event: Object) -> str:
    return str(event.get("lastTimestamp") or event.get("eventTime") or event["metadata"].get("creationTimestamp", ""))


def repository(image: str) -> str:
    """The last part of an image's name, without tag and digest."""
    return image.partition("@")[0].rpartition("/")[2].partition(":")[0]


def flag(argv: list[str], name: str) -> str:
    """The value of --name VALUE or --name=VALUE, '' where it is not given."""
    for position, word in enumerate(argv):
        flag, equals, value = word.lstrip("-").partition("=")
        if word.startswith("-") and flag == name:
            return value if equals else "".join(argv[position + 1 : position + 2])
    return ""


def env(container: Mapping[str, Any], name: str) -> str:
    """The value of a variable that the manifest sets, '' where it does not."""
    return next((e.get("value", "") for e in container.get("env") or () if e["name"] == name), "")


def images_on(nodes: Iterable[Object], which: Callable[[Iterable[bool]], bool]) -> list[str]:
    """Names of images, those by digest left out, that all nodes say they have, or any."""
    each = [
        {name for image in node.get("status", {}).get("images") or () for name in image.get("names") or ()}
        for node in nodes
    ]
    return sorted(name for name in set().union(*each) if "@" not in name and which(name in names for names in each))


def find_image(images: list[str], repositories: Iterable[str]) -> str:
    """The last image of the first repository that has one, '' where none has."""
    found = ([image for image in images if repository(image) == wanted] for wanted in repositories)
    return next((images[-1] for images in found if images), "")
