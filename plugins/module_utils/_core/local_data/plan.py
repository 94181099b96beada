# Copyright: kindlab.volumes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Local data as it is and as it is wanted, and the steps that lead there, or why they can't be taken."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

from ansible_collections.kindlab.volumes.plugins.module_utils._core.kube.binding import bound, phase_of
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kube.objects import (
    Object,
    is_subset,
    namespaced_name,
)
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kube.pods import is_terminal, pods_by_claim

from . import manifests as objects
from .manifests import LABEL, READ_ONLY
from .place import Place
from .policy import (
    Live,
    live_policy,
    policy_steps,
)
from .request import Request, volume_name

CREATE, REPLACE, FINISH, ALREADY = "create", "replace", "finish", "already"
REMOVE, LEAVING, REFUSE = "remove", "leaving", "refuse"


@dataclass(frozen=True)
class Observed:
    """The cluster as it is: objects by name (claims by 'namespace/name'), and the pods that keep a claim from going.

    policy: the policy and its binding, None where this Kubernetes has no such thing.
    """

    volumes: Mapping[str, Object]
    claims: Mapping[str, Object]
    namespaces: Mapping[str, Object]
    users: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    policy: Live | None = (None, None)


@dataclass(frozen=True)
class Step:
    """What happens in one namespace: to its volume and its claim, as they are now and as they are wanted.

    why: for people. users: the pods that use the claim.
    """

    namespace: str
    name: str
    action: str
    why: str = ""
    next_step: str = ""
    volume: Object | None = None
    claim: Object | None = None
    wanted_volume: Object = field(default_factory=dict)
    wanted_claim: Object = field(default_factory=dict)
    users: tuple[str, ...] = ()

    @property
    def claim_name(self) -> str:
        return f"{self.namespace}/{self.name}"

    @property
    def volume_name(self) -> str:
        return volume_name(self.namespace, self.name)

    def refused(self, why: str, next_step: str) -> Step:
        return replace(self, action=REFUSE, why=why, next_step=next_step)


@dataclass(frozen=True)
class Plan:
    """Everything that is decided: the policy, the namespaces that are made, and a step for each namespace.

    guarded: whether the policy keeps pods from writing.
    """

    steps: tuple[Step, ...]
    policies: tuple[tuple[str, Object], ...] = ()
    namespaces: tuple[str, ...] = ()
    guarded: bool = False

    @property
    def pending(self) -> list[Step]:
        return [step for step in self.steps if step.action not in (ALREADY, LEAVING)]


def observed(
    volumes: Iterable[Object],
    claims: Iterable[Object],
    namespaces: Iterable[Object],
    pods: Iterable[Object],
    policies: tuple[Iterable[Object], Iterable[Object]] | None,
) -> Observed:
    """From the objects as the API lists them; policies and their bindings None where this Kubernetes has none."""
    using = pods_by_claim(pod for pod in pods if not is_terminal(pod))
    return Observed(
        volumes={item["metadata"]["name"]: item for item in volumes},
        claims={namespaced_name(item): item for item in claims},
        namespaces={item["metadata"]["name"]: item for item in namespaces},
        users={claim: tuple(f"{pod['namespace']}/{pod['name']}" for pod in users) for claim, users in using.items()},
        policy=live_policy(*policies) if policies else None,
    )


def plan_present(request: Request, place: Place, now: Observed) -> Plan:
    """The steps for all namespaces that are asked for; refused ones among them."""
    steps = tuple(_present(request, place, now, namespace) for namespace in request.namespaces)
    needed = now.policy is not None and (request.read_only or _read_only_left(now, ()))
    return Plan(
        steps,
        policy_steps(now.policy, needed=True) if now.policy is not None and needed else (),
        tuple(step.namespace for step in steps if step.namespace not in now.namespaces),
        guarded=request.read_only and now.policy is not None,
    )


def plan_absent(request: Request, now: Observed, *, force: bool) -> Plan:
    """The steps for all namespaces that have this local data, or that are asked for and have something of its name."""
    namespaces = request.namespaces or sorted(_namespaces_with(request.name, now))
    found = (_absent(_step(request, now, namespace), force) for namespace in namespaces)
    steps = tuple(step for step in found if step.volume or step.claim)
    left = _read_only_left(now, steps)
    return Plan(steps, policy_steps(now.policy, needed=left) if now.policy is not None else ())


def _read_only_left(now: Observed, steps: Iterable[Step]) -> bool:
    """True where a claim to read-only local data is left once the steps are taken."""
    gone = {step.claim_name for step in steps if step.action in (REMOVE, LEAVING)}
    return any(_label(item) == READ_ONLY for name, item in now.claims.items() if name not in gone)


def _present(request: Request, place: Place, now: Observed, namespace: str) -> Step:
    step = replace(
        _step(request, now, namespace),
        wanted_volume=objects.volume(request, place, namespace),
        wanted_claim=objects.claim(request, namespace),
    )
    refused = _foreign(step) or _namespace_refuses(request, now, step)
    if refused:
        return refused
    if step.volume is None and step.claim is None:
        return replace(step, action=CREATE, why="is not there")
    same = all(
        live is None or is_subset(wanted, live)
        for wanted, live in ((step.wanted_volume, step.volume), (step.wanted_claim, step.claim))
    )
    leaving = any("deletionTimestamp" in item["metadata"] for item in (step.claim, step.volume) if item)
    if step.users and (leaving or not same):
        return step.refused(
            f"it is {'being deleted' if leaving else describe(step.volume)}, and in use by {', '.join(step.users)}",
            "What a volume is can't be changed under its pods: end them, then run this again.",
        )
    if leaving or not same:
        return replace(step, action=REPLACE, why=f"was {describe(step.volume)}")
    if bound(step.volume, step.claim):
        return replace(step, action=ALREADY, why="is bound")
    return replace(step, action=FINISH, why="is not bound")


def _absent(step: Step, force: bool) -> Step:
    refused = _foreign(step)
    if refused:
        return refused
    if step.users and not force:
        return step.refused(
            f"in use by {', '.join(step.users)}",
            "End these pods, or ask for the removal with force: true; it is done when the last one ends.",
        )
    there = [item for item in (step.claim, step.volume) if item]
    if there and all("deletionTimestamp" in item["metadata"] for item in there):
        return replace(step, action=LEAVING, why="is being deleted")
    return replace(step, action=REMOVE, why=f"was {describe(step.volume)}")


def describe(volume: Object | None) -> str:
    """What a volume is, for people: 'read-only, /mnt/data in the nodes'."""
    if volume is None:
        return "without a volume"
    spec = volume["spec"]
    path = (spec.get("local") or spec.get("hostPath") or {}).get("path", "elsewhere")
    return f"{_label(volume)}, {path} in the nodes"


def _step(request: Request, now: Observed, namespace: str) -> Step:
    name = f"{namespace}/{request.name}"
    return Step(
        namespace,
        request.name,
        ALREADY,
        volume=now.volumes.get(volume_name(namespace, request.name)),
        claim=now.claims.get(name),
        users=now.users.get(name, ()),
    )


def _foreign(step: Step) -> Step | None:
    for item, where in ((step.claim, f" -n {step.namespace}"), (step.volume, "")):
        if item is not None and not _label(item):
            kind, name = item["kind"], item["metadata"]["name"]
            return step.refused(
                f"there is a {kind} {name} that is no local data of this module",
                f"Use another name, or see what it is: kubectl{where} get {kind.lower()} {name}",
            )
    return None


def _namespace_refuses(request: Request, now: Observed, step: Step) -> Step | None:
    namespace = now.namespaces.get(step.namespace)
    if namespace is None and not request.namespaces_too:
        return step.refused("the namespace is not there", "Create it, or set namespaces_too: true.")
    if namespace is not None and phase_of(namespace) == "Terminating":
        return step.refused("the namespace is being deleted", "Wait until it is gone.")
    return None


def _namespaces_with(name: str, now: Observed) -> set[str]:
    claimed = {key.partition("/")[0] for key, item in now.claims.items() if key.endswith(f"/{name}") and _label(item)}
    refs = (item["spec"].get("claimRef") or {} for item in now.volumes.values() if _label(item))
    return claimed | {ref["namespace"] for ref in refs if ref.get("name") == name}


def _label(item: Object) -> str:
    return str((item["metadata"].get("labels") or {}).get(LABEL, ""))
