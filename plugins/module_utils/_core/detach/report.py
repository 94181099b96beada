# Copyright: kindlab.volumes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Results of a detachment for people: volumes with their users, and the errors if they stay in use."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from ansible_collections.kindlab.volumes.plugins.module_utils._core.errors import Conflict, TimedOut
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kube import pods, workloads
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kube.objects import Object, namespaced_name
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kube.volumes import Volume
from ansible_collections.kindlab.volumes.plugins.module_utils._core.refusals import Refusal
from ansible_collections.kindlab.volumes.plugins.module_utils._core.text import be, claimed, count, listed

from .model import Observed, Request
from .usage import VolumeUser

Users = Mapping[str, Sequence[VolumeUser]]
_UP_AGAIN = "Then run this again, or scale everything back up: state=attached."


def volume_rows(volumes: Iterable[Volume], users: Users) -> list[Object]:
    """The volumes in the module's result."""
    return [
        {
            "name": volume.name,
            "claim": volume.claim,
            "ephemeral": volume.is_ephemeral,
            "state": "in use" if users.get(volume.name) else "free",
            "in_use_by": [user.as_dict() for user in users.get(volume.name, ())],
        }
        for volume in volumes
    ]


def summary(volumes: Iterable[Volume], users: Users) -> str:
    """The volumes in use, as a part of a sentence."""
    texts = [
        f"{claimed(volume.name, volume.claim)}: " + listed([user.text() for user in users[volume.name]], 3)
        for volume in volumes
        if users.get(volume.name)
    ]
    return listed(texts, separator="; ")


def more_than_workloads(rows: Iterable[Object]) -> list[Refusal]:
    """Why volumes stay in use when their workloads are stopped. rows: as volume_rows() has them."""
    return [
        Refusal(
            row["name"],
            f"it is in use by more than workloads: {listed([user['text'] for user in row['in_use_by']], 3)}",
            "End these pods and processes.",
            {"claim": row["claim"]},
        )
        for row in rows
        if row["in_use_by"]
    ]


def still_in_use(volumes: Sequence[Volume], users: Users, seconds: float) -> TimedOut:
    """The error if volumes are in use when the time is over."""
    rows = [row for row in volume_rows(volumes, users) if row["in_use_by"]]
    return TimedOut(
        f"{len(rows)} of {count(len(volumes), 'volume')} {be(len(rows))} still in use "
        f"after {seconds:g} seconds: {summary(volumes, users)}.",
        next_step="End these pods and processes, then run this again; the workloads stay at zero until then. "
        "Or scale them back up: state=attached.",
        details=rows,
    )


def scaled_again(items: Sequence[Object]) -> Conflict:
    """The error if workloads were scaled up again after they had been scaled to zero."""
    return Conflict(
        f"{count(len(items), 'workload')} {be(len(items))} scaled up again by somebody else: "
        f"{listed([_scaled(item) for item in items], separator='; ')}.",
        next_step=f"Stop what scales them up, for example the operator or a CI job. {_UP_AGAIN}",
        details=[
            {"kind": i["kind"], "namespace": i["metadata"]["namespace"], "name": i["metadata"]["name"]} for i in items
        ],
    )


def waiting_for_others(
    request: Request, observed: Observed, claims: workloads.Claims, known: workloads.Claims
) -> tuple[str, ...]:
    """The warning about workloads that an interrupted run stopped for other volumes, too: they may have no data yet."""
    found = [
        f"{item['kind']} {namespaced_name(item)}"
        for item in observed.workloads.values()
        if request.of_others(item, known) and workloads.used_claims(item, claims)
    ]
    if not found or request.left_down:
        return ()
    if not request.purpose:
        return (
            f"{listed(sorted(found))} {be(len(found))} left at zero: a restore of volumes was interrupted, and their "
            "data is not complete. Complete it: kindlab.volumes.volume_restore with existing=replace.",
        )
    return (
        f"{listed(sorted(found))} {be(len(found))} left at zero: an interrupted run with other options stopped "
        "workloads for further volumes, which may have no data yet. Run that again, or select all volumes that they "
        "use.",
    )


def made_again(deleted: Sequence[Object]) -> Conflict:
    """The error if pods were created again after they had been deleted."""
    texts = []
    for pod in deleted:
        reference = pods.controller(pod)
        made_by = pods.referred(reference).text() if reference else "somebody else"
        texts.append(f"{namespaced_name(pod)} by {made_by}")
    return Conflict(
        f"{count(len(deleted), 'pod')} {be(len(deleted))} created again after the deletion: {listed(texts)}.",
        next_step=f"Scale down what creates them, or stop its operator. {_UP_AGAIN}",
        details=[namespaced_name(pod) for pod in deleted],
    )


def _scaled(item: Object) -> str:
    fields = ", ".join(f"{name}: {str(value).lower()}" for name, value in workloads.state(item).items())
    reference = pods.controller(item)
    made_by = f", controlled by {pods.referred(reference).text()}" if reference else ""
    manager = scaled_by(item)
    return f"{workloads.key(item)} ({fields}{made_by}{f', last written by {manager}' if manager else ''})"


def scaled_by(item: Object) -> str:
    """The field manager that last set the fields of its scale, '' if the API server does not tell."""
    (scale,) = workloads.state(item)
    field = {"scheduled": "f:template"}.get(scale, f"f:{scale}")
    managers = [
        (str(entry.get("time", "")), str(entry.get("manager", "")))
        for entry in item["metadata"].get("managedFields") or ()
        if field in ((entry.get("fieldsV1") or {}).get("f:spec") or {})
    ]
    return max(managers, default=("", ""))[1]
