# Copyright: kindlab.volumes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What the manifests of all provisioners are made of: images, flags, rights, and the objects in their order."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from ansible_collections.kindlab.volumes.plugins.module_utils._core.errors import BadInput
from ansible_collections.kindlab.volumes.plugins.module_utils._core.images import plain_name
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kube.deployments import (
    argv,
    containers,
    env,
    find_image,
    flag,
    images_on,
    repository,
    rollout_complete,
)
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kube.objects import Object

from .request import Request

RBAC = "rbac.authorization.k8s.io"
CONTROL_PLANE = {"key": "node-role.kubernetes.io/control-plane", "operator": "Exists", "effect": "NoSchedule"}
POD_NAMESPACE = {"name": "POD_NAMESPACE", "valueFrom": {"fieldRef": {"fieldPath": "metadata.namespace"}}}


@dataclass(frozen=True)
class Images:
    """What the provisioner runs, and what it runs on a node to make and remove a directory ('' where nothing)."""

    program: str
    helper: str = ""


@dataclass(frozen=True)
class Rights:
    """The ServiceAccount, the name of both roles, that of their bindings, and the rules in the namespace and beyond."""

    account: str
    role: str
    binding: str
    inside: tuple[Object, ...]
    everywhere: tuple[Object, ...]


def rule(group: str, resources: str, verbs: str, **more: list[str]) -> Object:
    """A rule of a role; resources and verbs are words."""
    return {"apiGroups": [group], "resources": resources.split(), "verbs": verbs.split(), **more}


def objects(namespace: str, rights: Rights, *own: Object) -> tuple[Object, ...]:
    """All that a provisioner needs, in the order in which it is made; own: what else is in its namespace."""
    inside = {"namespace": namespace}
    subjects = [{"kind": "ServiceAccount", "name": rights.account, **inside}]
    rbac = f"{RBAC}/v1"
    parts: list[tuple[str, str, Object, Object]] = [
        ("v1", "Namespace", {"name": namespace}, {}),
        ("v1", "ServiceAccount", {"name": rights.account, **inside}, {}),
        (rbac, "Role", {"name": rights.role, **inside}, {"rules": list(rights.inside)}),
        (rbac, "ClusterRole", {"name": rights.role}, {"rules": list(rights.everywhere)}),
    ]
    for kind, place in (("Role", inside), ("ClusterRole", {})):
        reference = {"apiGroup": RBAC, "kind": kind, "name": rights.role}
        meta = {"name": rights.binding, **place}
        parts.append((rbac, f"{kind}Binding", meta, {"roleRef": reference, "subjects": subjects}))
    made = [{"apiVersion": api, "kind": kind, "metadata": meta, **rest} for api, kind, meta, rest in parts]
    return (*made, *({**item, "metadata": {**item["metadata"], **inside}} for item in own))


def flags(request: Request, names: Mapping[str, str]) -> list[str]:
    """The numbers that are asked for as flags of a program; names: option -> flag."""
    values = {name: getattr(request, option) for option, name in names.items()}
    return [word for name, value in values.items() if value is not None for word in (f"--{name}", str(value))]


def serves(deployment: Object, program: str, known: tuple[str, str], driver: str, name_flag: str) -> bool:
    """True for a Deployment that runs the program (or is the known one) under this driver's name.

    known: namespace and name of a Deployment whose images may be called anything. Without a name of its own in
    name_flag (or in the variable PROVISIONER_NAME) it is taken to be the driver's.
    """
    metadata = deployment["metadata"]
    for container in containers(deployment):
        words = argv(container)
        first = words[0].rpartition("/")[2] if container.get("command") else ""
        if known == (metadata["namespace"], metadata["name"]) or program in (
            first,
            repository(container.get("image", "")),
        ):
            return (flag(words, name_flag) or env(container, "PROVISIONER_NAME") or driver) == driver
    return False


def program_image(asked: str, current: Object | None, nodes: Iterable[Object], program: str, default: str) -> str:
    """The image as asked for, else as the current Deployment has it, else as all nodes have it, else the default.

    A current image that neither serves nor is on any node is a mistake that must not stay for ever.
    """
    nodes = tuple(nodes)
    running = containers(current)[0].get("image", "") if current else ""
    known = set(map(plain_name, images_on(nodes, any)))
    if current is not None and not rollout_complete(current) and plain_name(running) not in known:
        running = ""
    return asked or running or find_image(images_on(nodes, all), (program,)) or default


def one_directory(request: Request) -> str:
    """The directory of a provisioner whose volumes are the same on all nodes. Raises BadInput for any other paths."""
    entry = request.paths[0]
    if len(request.paths) > 1 or entry.node or len(entry.paths) != 1:
        raise BadInput(
            f"{request.name} makes all volumes in one directory, the same on all nodes: paths names more than that.",
            next_step="Use node_path.",
        )
    return entry.paths[0]


def refuse_options(request: Request, *names: str) -> None:
    """Raise BadInput where one of these options is given, which mean nothing to this provisioner."""
    given = [name for name in names if getattr(request, name) not in (None, "")]
    if given:
        raise BadInput(f"{request.name} has no {' and no '.join(given)}.", next_step="Leave it out.")
