# Copyright: kindlab.volumes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The manifests of local data: a volume and a claim per namespace, and the policy that keeps pods from writing.

Read-only takes two of them. A volume that is mounted read-only keeps kubelet from writing, which else makes the
directories of a subPath, and gives all files to a pod's fsGroup. It does not keep pods from writing: runc since 1.2
mounts a pod's volume read-write on top, unless the pod's own specification says readOnly (opencontainers/runc 4824);
the same is true of the mounts of kind's nodes. So pods that don't say it are not admitted.
"""

from __future__ import annotations

from ansible_collections.kindlab.volumes.plugins.module_utils._core.local_data_place import Place
from ansible_collections.kindlab.volumes.plugins.module_utils._core.local_data_request import Request, volume_name
from ansible_collections.kindlab.volumes.plugins.module_utils._core.volume import HOSTNAME, Object

LABEL = "kindlab.volumes/local-data"
READ_ONLY, READ_WRITE = "read-only", "read-write"
POLICY, BINDING = "ValidatingAdmissionPolicy", "ValidatingAdmissionPolicyBinding"
POLICY_NAME = "local-data.kindlab.volumes"
REFUSED = "is read-only local data"
# Nothing limits what a directory of the host holds; Kubernetes wants a number.
CAPACITY = {"storage": "1Gi"}


def claim(request: Request, namespace: str) -> Object:
    """The claim of one namespace, for its own volume only."""
    return {
        "apiVersion": "v1",
        "kind": "PersistentVolumeClaim",
        "metadata": {"name": request.name, "namespace": namespace, "labels": {LABEL: _mode(request)}},
        "spec": {
            "storageClassName": "",
            "accessModes": _access_modes(request),
            "resources": {"requests": CAPACITY},
            "volumeName": volume_name(namespace, request.name),
        },
    }


def volume(request: Request, place: Place, namespace: str) -> Object:
    """The volume of one namespace, on the nodes that have the directory; of no class, which the API leaves out.

    To be written to it is a hostPath: of a local volume kubelet gives all files to a pod's fsGroup.
    """
    source: Object = {"hostPath": {"path": place.node_directory, "type": "Directory"}}
    if request.read_only:
        source = {"local": {"path": place.node_directory}, "mountOptions": ["ro"]}
    node = {"key": HOSTNAME, "operator": "In", "values": list(place.nodes)}
    return {
        "apiVersion": "v1",
        "kind": "PersistentVolume",
        "metadata": {"name": volume_name(namespace, request.name), "labels": {LABEL: _mode(request)}},
        "spec": {
            "accessModes": _access_modes(request),
            "capacity": CAPACITY,
            "persistentVolumeReclaimPolicy": "Retain",
            "volumeMode": "Filesystem",
            "nodeAffinity": {"required": {"nodeSelectorTerms": [{"matchExpressions": [node]}]}},
            "claimRef": {
                "apiVersion": "v1",
                "kind": "PersistentVolumeClaim",
                "namespace": namespace,
                "name": request.name,
            },
            **source,
        },
    }


def policy() -> tuple[Object, Object]:
    """What keeps pods from using a claim that is labelled read-only unless they say so, in all namespaces.

    The claims themselves are the policy's parameters, looked up in the pod's namespace.
    """
    used = "v.persistentVolumeClaim"
    allowed = f"!has({used}) || {used}.claimName != params.metadata.name || (has({used}.readOnly) && {used}.readOnly)"
    said = f" {REFUSED}: set readOnly: true under persistentVolumeClaim in the volumes of the pod"
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
                        "messageExpression": f"'the claim ' + params.metadata.name + '{said}'",
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


def writing_pod(namespace: str, claim_name: str) -> Object:
    """A pod that could write to a claim, and that only the policy has reason to refuse; it is never made."""
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
                    "resources": {"limits": {"cpu": "1m", "memory": "16Mi"}},
                    "securityContext": {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}},
                }
            ],
            "volumes": [{"name": "data", "persistentVolumeClaim": {"claimName": claim_name}}],
        },
    }


def _mode(request: Request) -> str:
    return READ_ONLY if request.read_only else READ_WRITE


def _access_modes(request: Request) -> list[str]:
    return ["ReadOnlyMany" if request.read_only else "ReadWriteMany"]
