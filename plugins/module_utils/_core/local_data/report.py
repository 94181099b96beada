# Copyright: kindlab.volumes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Results and diff of local_data."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from ansible_collections.kindlab.volumes.plugins.module_utils._core.kind.nodes import Node
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kube.binding import phase_of
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kube.objects import Object
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kube.volumes import affinity_nodes, node_directory

from .manifests import READ_ONLY
from .model import REMOVE, TERMINATING, Step, describe, mode_of

_POLICY_STATES = {"create": ("absent", "as required"), "delete": ("present", "absent")}


def row(step: Step, nodes: Iterable[Node], phases: Mapping[tuple[str, str], str]) -> Object:
    """One namespace of the result."""
    removed = step.action in (REMOVE, TERMINATING)
    volume = (step.volume if removed else step.requested_volume) or {"spec": {}, "metadata": {}}
    directory = node_directory(volume)
    names = affinity_nodes(volume)
    found = {n.host_directory(directory) or "" for n in nodes if n.name in names} if directory else set()
    left = "Terminating" if removed and (step.users or step.action == TERMINATING) else ""
    expected = left if removed else "Bound"
    return {
        "namespace": step.namespace,
        "claim": step.claim_name,
        "volume": step.volume_name,
        "action": step.action,
        "node_directory": directory,
        "nodes": list(names),
        "host_directory": found.pop() if len(found) == 1 else "",
        "read_only": mode_of(volume) == READ_ONLY,
        "phase": phases.get(("", step.volume_name), expected),
        "claim_phase": phases.get((step.namespace, step.name), expected),
    }


def before_after(
    steps: Iterable[Step], namespaces: Iterable[str], policies: Iterable[tuple[str, Object]]
) -> tuple[Object, Object]:
    """What the steps change, the namespaces that are created, and the policy objects."""
    before: dict[str, dict[str, str]] = {"claims": {}}
    after: dict[str, dict[str, str]] = {"claims": {}}
    for step in steps:
        name = step.claim_name
        existing = f"{describe(step.volume)}, {phase_of(step.claim) or 'no claim'}" if step.existing else "absent"
        if step.action != REMOVE:
            requested = f"{describe(step.requested_volume)}, Bound"
        elif step.users:
            requested = f"absent once it is not used by {', '.join(step.users)}"
        else:
            requested = "absent"
        before["claims"][name], after["claims"][name] = existing, requested
    for name in namespaces:
        before.setdefault("namespaces", {})[name] = "absent"
        after.setdefault("namespaces", {})[name] = "present"
    for verb, item in policies:
        existing, requested = _POLICY_STATES.get(verb, ("different", "as required"))
        before.setdefault("policy", {})[item["kind"]] = existing
        after.setdefault("policy", {})[item["kind"]] = requested
    return before, after
