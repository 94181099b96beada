"""Drawn PersistentVolumes, claims, classes and VolumeAttachments."""

from __future__ import annotations

from .choices import Choices
from .names import CLAIMS, CLASSES, NAMESPACES, NODES, VOLUMES, Object, metadata, owners

DRIVERS = ("rancher.io/local-path", "kindlab.volumes/hostpath", "disk.csi.example")
POLICIES = ("Delete", "Retain", "Recycle")
TYPES = (None, "", "Directory", "DirectoryOrCreate", "File", "BlockDevice")
PHASES = ("Bound", "Available", "Released", "Failed", "Pending", "")
ANNOTATIONS = (
    {},
    {"pv.kubernetes.io/provisioned-by": "rancher.io/local-path", "local.path.provisioner/selected-node": "k-worker"},
    {"pv.kubernetes.io/provisioned-by": "", "kindlab.volumes/original-reclaim-policy": "Delete"},
    {"kindlab.volumes/original-reclaim-policy": "none of these"},
)


def volume(c: Choices, name: str, directories: tuple[str, ...]) -> Object:
    """A PersistentVolume. directories: paths in nodes that volumes may have."""
    spec: Object = {
        "capacity": {"storage": c.pick(("1Gi", "0", "1500m"))},
        "accessModes": c.pick((["ReadWriteOnce"], ["ReadOnlyMany", "ReadWriteMany"])),
    }
    spec["persistentVolumeReclaimPolicy"] = c.pick(POLICIES)
    if not c.chance(4):
        spec["storageClassName"] = c.pick(CLASSES)
    if c.chance(3):
        spec["volumeMode"] = c.pick(("Filesystem", "Block"))
    spec |= _source(c, directories)
    if not c.chance(4):
        spec["claimRef"] = _claim_reference(c)
    if c.chance(2):
        spec["nodeAffinity"] = {"required": {"nodeSelectorTerms": [_term(c) for _turn in range(1 + c.number(2))]}}
    if c.chance(6):
        spec["mountOptions"] = c.pick((["ro"], []))
    found = {
        "apiVersion": "v1",
        "kind": "PersistentVolume",
        "metadata": metadata(c, "PersistentVolume", name),
        "spec": spec,
    }
    if c.chance(2):
        found["metadata"]["annotations"] = {**found["metadata"].get("annotations", {}), **c.pick(ANNOTATIONS)}
    if c.chance(10):
        found["metadata"]["labels"] = {"kindlab.volumes/local-data": c.pick(("read-only", "read-write", ""))}
    return {**found, **_status(c, PHASES)}


def claim(c: Choices, name: str, namespace: str, volumes: tuple[str, ...]) -> Object:
    """A claim. volumes: names of those that exist."""
    spec: Object = {"accessModes": ["ReadWriteOnce"], "resources": c.pick(({"requests": {"storage": "1Gi"}}, {}))}
    if not c.chance(4):
        spec["volumeName"] = c.pick((*volumes, "", "pv-gone"))
    if not c.chance(4):
        spec["storageClassName"] = c.pick(CLASSES)
    if c.chance(8):
        spec["selector"] = c.pick(({}, {"matchLabels": {"a": "b"}}))
    if c.chance(8):
        del spec["resources"]
    kinds = (("v1", "Pod"), ("apps/v1", "StatefulSet"), ("demo.example/v1", "Database"))
    found = {
        "apiVersion": "v1",
        "kind": "PersistentVolumeClaim",
        "metadata": {
            **metadata(c, "PersistentVolumeClaim", name, namespace),
            **(owners(c, namespace, kinds) if c.chance(2) else {}),
        },
        "spec": spec,
    }
    if c.chance(10):
        found["metadata"]["labels"] = {"kindlab.volumes/local-data": "read-only"}
    if c.chance(8):
        found["metadata"]["annotations"] = {"volume.kubernetes.io/selected-node": "k-worker"}
    return {**found, **_status(c, ("Bound", "Pending", "Lost", ""))}


def bind(pv: Object, claim: Object) -> None:
    """Make a volume and a claim refer to each other, as most do."""
    owner = claim["metadata"]
    reference = {"apiVersion": "v1", "kind": "PersistentVolumeClaim", "namespace": owner["namespace"]}
    pv["spec"]["claimRef"] = {**reference, "name": owner["name"], "uid": owner["uid"]}
    claim["spec"]["volumeName"] = pv["metadata"]["name"]
    if "storageClassName" in pv["spec"]:
        claim["spec"]["storageClassName"] = pv["spec"]["storageClassName"]
    else:
        claim["spec"].pop("storageClassName", None)
    owner["annotations"] = {**owner.get("annotations", {}), "pv.kubernetes.io/bind-completed": "yes"}
    pv["status"] = claim["status"] = {"phase": "Bound"}


def storage_class(c: Choices, name: str) -> Object:
    """A class; its name is not empty."""
    found: Object = {
        "apiVersion": "storage.k8s.io/v1",
        "kind": "StorageClass",
        "metadata": metadata(c, "StorageClass", name),
    }
    found["provisioner"] = c.pick(DRIVERS)
    if c.chance(2):
        key = c.pick(
            ("storageclass.kubernetes.io/is-default-class", "storageclass.beta.kubernetes.io/is-default-class")
        )
        found["metadata"]["annotations"] = {key: c.pick(("true", "false", "yes"))}
    if c.chance(2):
        found |= {
            "reclaimPolicy": c.pick(("Delete", "Retain")),
            "volumeBindingMode": c.pick(("WaitForFirstConsumer", "Immediate")),
        }
    if c.chance(4):
        found |= {"parameters": c.pick(({}, {"nodePath": "/x"})), "allowVolumeExpansion": True, "mountOptions": ["ro"]}
    return found


def attachment(c: Choices, name: str) -> Object:
    """A VolumeAttachment; one of an inline volume names no PersistentVolume."""
    source = c.pick(
        ({"persistentVolumeName": VOLUMES[0]}, {}, {"inlineVolumeSpec": {"nfs": {"server": "s", "path": "/"}}})
    )
    spec = {"attacher": "disk.csi.example", "nodeName": c.pick((*NODES, "gone")), "source": source}
    return {
        "apiVersion": "storage.k8s.io/v1",
        "kind": "VolumeAttachment",
        "metadata": metadata(c, "VolumeAttachment", name),
        "spec": spec,
    }


def _source(c: Choices, directories: tuple[str, ...]) -> Object:
    kind = c.pick((*["hostPath"] * 8, "local", "local", "nfs", "iscsi", "csi", "fc"))
    path = c.pick(directories)
    if kind == "hostPath":
        hostpath_type = c.pick(TYPES)
        return {"hostPath": {"path": path, **({} if hostpath_type is None else {"type": hostpath_type})}}
    if kind == "local":
        return {"local": {"path": path, **({"fsType": "ext4"} if c.chance(3) else {})}}
    others: dict[str, Object] = {
        "nfs": {"server": "nfs.example", "path": "/e"},
        "iscsi": {"targetPortal": "10.0.0.1", "iqn": "iqn.2026-01.example:disk", "lun": 0},
        "csi": {"driver": "disk.csi.example", "volumeHandle": "h"},
        "fc": {},
    }
    return {kind: others[kind]}


def _claim_reference(c: Choices) -> Object:
    """Nobody checks these fields: each may be missing, or name what cannot exist."""
    found = {
        "apiVersion": "v1",
        "kind": "PersistentVolumeClaim",
        "namespace": c.pick((*NAMESPACES, "gone")),
        "name": c.pick((*CLAIMS, "gone", "No_Name/../x")),
        "uid": c.pick(("", "uid-gone")),
        "resourceVersion": "7",
    }
    for field in ("namespace", "name", "uid", "resourceVersion", "apiVersion", "kind"):
        if c.chance(8):
            del found[field]
    return found


def _term(c: Choices) -> Object:
    named = {"operator": "In", "values": c.pick((*[["k-worker"]] * 4, ["k-control-plane", "k-worker2"], ["gone"]))}
    kind = c.number(12)
    if kind < 8:
        return {"matchExpressions": [{"key": "kubernetes.io/hostname", **named}]}
    if kind == 8:
        return {"matchFields": [{"key": "metadata.name", "operator": "In", "values": ["k-worker"]}]}
    if kind == 9:
        return {}
    other = c.pick(("Exists", "DoesNotExist", "NotIn", "In", "Gt", "Lt"))
    values = {} if "Exist" in other else {"values": ["7"]}
    zone = {"key": c.pick(("topology.kubernetes.io/zone", "kubernetes.io/hostname")), "operator": other, **values}
    return {"matchExpressions": [zone, *([{"key": "kubernetes.io/hostname", **named}] if c.chance(2) else [])]}


def _status(c: Choices, phases: tuple[str, ...]) -> Object:
    if c.chance(6):
        return {} if c.chance(2) else {"status": {}}
    return {"status": {"phase": c.pick(phases)}}
