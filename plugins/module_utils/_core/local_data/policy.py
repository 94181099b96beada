# Copyright: kindlab.volumes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The admission policy that keeps pods from writing to read-only local data, and the steps that create or remove it.

Two things are needed. A volume that is mounted read-only keeps kubelet from writing, which otherwise creates the
directories of a subPath and changes the group of all files to a pod's fsGroup. It does not keep pods from writing: runc
since 1.2 mounts a pod's volume read-write unless the pod sets readOnly (opencontainers/runc 4824), and does the same
with the mounts of kind's nodes. So pods that do not set it are not admitted.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Optional

from ansible_collections.kindlab.volumes.plugins.module_utils._core.kube.objects import Object, is_subset

from .manifests import LABEL, READ_ONLY

POLICY, BINDING = "ValidatingAdmissionPolicy", "ValidatingAdmissionPolicyBinding"
POLICY_NAME = "local-data.kindlab.volumes"
REFUSED = "is read-only local data"
NOT_ENFORCED = (
    "Read-only is not enforced: ValidatingAdmissionPolicy needs Kubernetes 1.30 or later. Pods that do not set"
    " readOnly: true in their volume may be able to write to the data."
)
# The existing policy and its binding, None if missing.
Live = tuple[Optional[Object], Optional[Object]]


def policy() -> tuple[Object, Object]:
    """The policy and its binding: in all namespaces, pods that use a claim labelled read-only must set readOnly.

    The claims are the policy's parameters, looked up in the pod's namespace.
    """
    used = "v.persistentVolumeClaim"
    allowed = f"!has({used}) || {used}.claimName != params.metadata.name || (has({used}.readOnly) && {used}.readOnly)"
    message = f" {REFUSED}: set readOnly: true under persistentVolumeClaim in the volumes of the pod"
    rule = {"apiGroups": [""], "apiVersions": ["v1"], "operations": ["CREATE"], "resources": ["pods"]}
    return (
        {
            "apiVersion": "admissionregistration.k8s.io/v1",
            "kind": POLICY,
            "metadata": {"name": POLICY_NAME},
            "spec": {
                "failurePolicy": "Fail",
                "paramKind": {"apiVersion": "v1", "kind": "PersistentVolumeClaim"},
                "matchConstraints": {"resourceRules": [rule]},
                "validations": [
                    {
                        "expression": f"!has(object.spec.volumes) || object.spec.volumes.all(v, {allowed})",
                        "messageExpression": f"'the claim ' + params.metadata.name + '{message}'",
                        "reason": "Forbidden",
                    }
                ],
            },
        },
        {
            "apiVersion": "admissionregistration.k8s.io/v1",
            "kind": BINDING,
            "metadata": {"name": POLICY_NAME},
            "spec": {
                "policyName": POLICY_NAME,
                "validationActions": ["Deny"],
                "paramRef": {
                    "selector": {"matchLabels": {LABEL: READ_ONLY}},
                    "parameterNotFoundAction": "Allow",
                },
            },
        },
    )


def writing_pod(namespace: str, claim_name: str, limit_ranges: Iterable[Object] = ()) -> Object:
    """A pod that could write to a claim, and that only the policy has a reason to refuse; for dry runs.

    limit_ranges: of its namespace.
    """
    ranges = [item for found in limit_ranges for item in (found.get("spec") or {}).get("limits") or ()]
    # A pod's minimum is that of all its containers.
    least = [item.get("min") or {} for kind in ("Container", "Pod") for item in ranges if item.get("type") == kind]
    limits = {"cpu": "1m", "memory": "16Mi"}
    for minimum in least:
        limits |= minimum
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"generateName": "local-data-", "namespace": namespace},
        "spec": {
            "securityContext": {"runAsNonRoot": True, "runAsUser": 65534, "seccompProfile": {"type": "RuntimeDefault"}},
            "containers": [
                {
                    "name": "none",
                    "image": "none",
                    "resources": {"limits": limits},
                    "securityContext": {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}},
                }
            ],
            "volumes": [{"name": "data", "persistentVolumeClaim": {"claimName": claim_name}}],
        },
    }


def live_policy(policies: Iterable[Object], bindings: Iterable[Object]) -> Live:
    """This policy and its binding among all."""
    one, other = ({item["metadata"]["name"]: item for item in items} for items in (policies, bindings))
    return one.get(POLICY_NAME), other.get(POLICY_NAME)


def policy_steps(live: Live | None, *, needed: bool) -> tuple[tuple[str, Object], ...]:
    """(create, patch or delete; the object) for the policy and its binding, in order; () if live is None."""
    pairs = list(zip(policy(), live)) if live else []
    if not needed:
        return tuple(("delete", existing) for _requested, existing in reversed(pairs) if existing is not None)
    return tuple(
        ("create" if existing is None else "patch", requested)
        for requested, existing in pairs
        if existing is None or not is_subset(requested, existing)
    )
