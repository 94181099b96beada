# Copyright: kindlab.volumes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Lists all objects of a cluster by kubectl, and compares lists, independently of the collection's own code."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

Objects = dict[str, dict[str, Any]]

# Written by the cluster itself, again and again.
OF_THE_CLUSTER = {"Event", "Lease", "Endpoints", "Node", "CSINode", "APIService", "CertificateSigningRequest"}
# Certificates, tokens, addresses and records that each cluster has of its own.
OF_EACH_CLUSTER = {
    "ConfigMap kube-public/cluster-info",
    "ConfigMap kube-system/extension-apiserver-authentication",
    "ConfigMap kube-system/kindlab-baseline",
    "ConfigMap kube-system/kindlab-cluster",
    "EndpointSlice.discovery.k8s.io default/kubernetes",
    "Secret kube-system/bootstrap-token-abcdef",
}
SET_BY_THE_SERVER = ("uid", "resourceVersion", "generation", "creationTimestamp", "managedFields", "selfLink")
# How a claim found its volume; a restored one has it from the beginning.
OF_THE_BINDING = ("pv.kubernetes.io/", "volume.kubernetes.io/", "volume.beta.kubernetes.io/")
LIST = """
k() { kubectl --kubeconfig /etc/kubernetes/admin.conf "$@"; }
k get "$(k api-resources --verbs list,create --output name | sort -u | paste -sd, -)" --all-namespaces --output json
"""


def listed(command: Sequence[str]) -> Objects:
    """What people made or the cluster brought, without what differs from cluster to cluster. command: of a node."""
    done = subprocess.run([*command, "sh", "-ec", LIST], stdout=subprocess.PIPE, check=True, text=True)
    items = [item for item in json.loads(done.stdout)["items"] if not _is_made_again(item)]
    return {_name(item): _cleaned(item) for item in items}


def _is_made_again(item: dict[str, Any]) -> bool:
    owners = item["metadata"].get("ownerReferences", ())
    return (
        item["kind"] in OF_THE_CLUSTER
        or _name(item) in OF_EACH_CLUSTER
        or item["metadata"]["name"] == "kube-root-ca.crt"
        or any(owner.get("controller") for owner in owners)
    )


def _name(item: dict[str, Any]) -> str:
    group = item["apiVersion"].rpartition("/")[0]
    kind = f"{item['kind']}.{group}" if group else item["kind"]
    return " ".join((kind, "/".join(filter(None, (item["metadata"].get("namespace"), item["metadata"]["name"])))))


def _cleaned(item: dict[str, Any]) -> dict[str, Any]:
    metadata = {key: value for key, value in item["metadata"].items() if key not in SET_BY_THE_SERVER}
    found = {**{key: value for key, value in item.items() if key not in ("status", "apiVersion")}, "metadata": metadata}
    if item["kind"] == "PersistentVolumeClaim":
        notes = metadata.pop("annotations", {})
        metadata["annotations"] = {key: notes[key] for key in notes if not key.startswith(OF_THE_BINDING)}
    if item["kind"] == "PersistentVolume":
        for key in SET_BY_THE_SERVER:
            item["spec"].get("claimRef", {}).pop(key, None)
    return found


def compared(born: Objects, before: Objects, after: Objects) -> dict[str, Any]:
    """What became of each object that people made or changed since the cluster was born, and of those it brought."""
    scaled = _scaled(before) | _scaled(after)
    born, before, after = (_without_scale(objects, scaled) for objects in (born, before, after))
    rows = [{"object": name, **_row(before[name], after.get(name))} for name in sorted(before)]
    ours = [row for row in rows if before[row["object"]] != born.get(row["object"])]
    brought = [row for row in rows if before[row["object"]] == born.get(row["object"])]
    return {
        "objects": ours,
        "count": len(ours),
        "not_equal": [row for row in ours if row["result"] != "equal"],
        "brought": len(brought),
        "brought_not_equal": [row for row in brought if row["result"] != "equal"],
        "new": sorted(set(after) - set(before)),
    }


def _scaled(objects: Objects) -> set[str]:
    """The workloads whose number of replicas an autoscaler decides."""
    found = set()
    for name, item in objects.items():
        if name.startswith("HorizontalPodAutoscaler.autoscaling "):
            target = item["spec"]["scaleTargetRef"]
            metadata = {"namespace": item["metadata"]["namespace"], "name": target["name"]}
            found.add(_name({"apiVersion": "v1", **target, "metadata": metadata}))
    return found


def _without_scale(objects: Objects, scaled: set[str]) -> Objects:
    found = dict(objects)
    for name in scaled & objects.keys():
        spec = {key: value for key, value in objects[name]["spec"].items() if key != "replicas"}
        found[name] = {**objects[name], "spec": spec}
    return found


def _row(before: dict[str, Any], after: dict[str, Any] | None) -> dict[str, Any]:
    """More: the fields that only the new object has, as a newer version fills in."""
    if after is None:
        return {"result": "missing"}
    changed, more = [*_differences(before, after)], [*_differences(after, before, only_missing=True)]
    result = "differs" if changed else "equal and more" if more else "equal"
    return {"result": result, **{key: value for key, value in (("changed", changed), ("more", more)) if value}}


def _differences(one: Any, other: Any, path: str = "", only_missing: bool = False) -> Iterator[str]:
    """The paths of what `one` has and `other` has not, or otherwise."""
    if isinstance(one, dict) and isinstance(other, dict):
        for key, value in one.items():
            if key in other:
                yield from _differences(value, other[key], f"{path}.{key}".lstrip("."), only_missing)
            else:
                yield f"{path}.{key}".lstrip(".")
    elif isinstance(one, list) and isinstance(other, list) and len(one) == len(other):
        for number, (value, another) in enumerate(zip(one, other, strict=True)):
            yield from _differences(value, another, f"{path}[{number}]", only_missing)
    elif one != other and not only_missing:
        yield path


def main() -> None:
    what, *words = sys.argv[1:]
    if what == "list":
        target = Path(words[0])
        target.touch(mode=0o600)  # there are Secrets among them
        target.write_text(json.dumps(listed(words[1:])))
    else:
        print(json.dumps(compared(*(json.loads(Path(word).read_text()) for word in words))))


if __name__ == "__main__":
    main()
