# Copyright: kindlab.volumes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Why a node is not drained unasked: pods or data that would be lost, and what the cluster can't do without."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from ansible_collections.kindlab.volumes.plugins.module_utils._core.errors import Declined
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kube import pods
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kube.conditions import is_ready
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kube.objects import Object
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kube.scheduling import is_schedulable
from ansible_collections.kindlab.volumes.plugins.module_utils._core.provisioner.registry import serves_volumes

from .plan import Line, Observed

CONTROL_PLANE = "node-role.kubernetes.io/control-plane"
SYSTEM = "kube-system"
CRITICAL = ("system-cluster-critical", "system-node-critical")
_ESSENTIAL = "Make another node that can take it schedulable first, or drain this one all the same: force=true."
_BARE = "Pods that nothing makes again are evicted with force=true."
_DATA = "If the data in these volumes is not needed: delete_emptydir_data=true."


@dataclass(frozen=True)
class Reason:
    """One reason. pod: 'namespace/name', '' for the node itself; option: the one that has it done all the same."""

    pod: str
    why: str
    way_out: str
    option: str = "force"

    def text(self) -> str:
        """The reason as a part of a sentence."""
        return f"{self.pod}: {self.why}" if self.pod else self.why


def refuse(seen: Observed, name: str, lines: Sequence[Line], asked: Mapping[str, Any]) -> None:
    """Raise Declined, with every reason, where the drain was not clearly asked for.

    asked: whether the options force and delete_emptydir_data are set.
    """
    going = [line for line in lines if line.goes]
    reasons = [r for r in (*_control_plane(seen, name), *_of_pods(seen, going)) if not asked[r.option]]
    if not reasons:
        return
    shown = "; ".join(reason.text() for reason in reasons[:10])
    more = f"; and {len(reasons) - 10} more" if len(reasons) > 10 else ""
    raise Declined(
        f"{name} is not drained: {shown}{more}.",
        next_step=" ".join(dict.fromkeys(reason.way_out for reason in reasons)),
        details=[asdict(reason) for reason in reasons],
    )


def _control_plane(seen: Observed, name: str) -> Iterator[Reason]:
    """Static pods stay on a node that is drained, but no other node could run them."""
    ready = [n for n in seen.nodes if is_schedulable(n) and is_ready(n)]
    others = [n for n in ready if _is_control_plane(n) and n["metadata"]["name"] != name]
    if _is_control_plane(seen.node(name)) and not others:
        yield Reason("", "it is the only control plane node that is ready and schedulable", _ESSENTIAL)


def _is_control_plane(node: Object) -> bool:
    return CONTROL_PLANE in (node["metadata"].get("labels") or {})


def _of_pods(seen: Observed, going: Iterable[Line]) -> Iterator[Reason]:
    serving = {
        f"{d['metadata']['namespace']}/Deployment/{d['metadata']['name']}"
        for d in seen.deployments
        if serves_volumes(d)
    }
    for line in going:
        if pods.is_terminal(line.pod) or pods.is_terminating(line.pod):
            continue
        namespace = line.pod["metadata"]["namespace"]
        if line.result == "cannot_move":
            if f"{namespace}/{line.owner}" in serving:
                yield Reason(line.key, f"no other node can run this provisioner of volumes ({line.why})", _ESSENTIAL)
            elif namespace == SYSTEM or line.pod["spec"].get("priorityClassName") in CRITICAL:
                yield Reason(line.key, f"no other node can run this part of Kubernetes ({line.why})", _ESSENTIAL)
        if not line.owner:
            yield Reason(line.key, "nothing makes this pod again", _BARE)
        data = pods.local_data(line.pod)
        if data:
            yield Reason(line.key, f"the data in {', '.join(data)} goes with the pod", _DATA, "delete_emptydir_data")
