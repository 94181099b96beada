"""The API server of a drawn world: it ends and collects pods as Kubernetes' controllers do, and evicts."""

from __future__ import annotations

import copy
import json
from collections.abc import Mapping
from typing import Any

from ansible_collections.kindlab.volumes.plugins.module_utils._core.errors import Conflict
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kube import workloads
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.kube.api import Missing
from ansible_collections.kindlab.volumes.tests.unit.support.fakes import FakeCluster, binding_controller, merge

from .names import Object

SCALED_OWNERS = ("ReplicaSet", "StatefulSet", "ReplicationController", "DaemonSet", "Job", "Deployment")


class WorldApi(FakeCluster):
    """Its controllers act whenever somebody watches. A pod with a finalizer never ends."""

    def __init__(self, *objects: Object) -> None:
        super().__init__(*objects)
        self.react = WorldApi.control
        self.binds = False

    def text(self) -> str:
        """All objects, to compare."""
        return json.dumps(
            sorted(self.objects.values(), key=lambda item: json.dumps(item, sort_keys=True)), sort_keys=True
        )

    def by_key(self) -> dict[tuple[str, str, str], Object]:
        """A copy of all objects."""
        return dict(self.objects)

    def control(self) -> None:
        """Collect what has no owner any more, end pods, roll Deployments out, and bind claims."""
        gone = True
        while gone:
            uids = {item["metadata"]["uid"]: item for item in self.objects.values()}
            gone = [key for key, item in self.objects.items() if self._ends(item, uids)]
            for key in gone:
                self._end(key)
            gone = [key for key in gone if key not in self.objects]
        for item in self.list("Deployment"):
            self._roll_out(item)
        if self.binds:
            binding_controller(self)

    def settle(self) -> None:
        """Leave nothing to do for controllers, except to bind."""
        before = ""
        while before != self.text():
            before = self.text()
            self.control()

    def evict(self, name: str, namespace: str, uid: str, grace_period: int | None = None) -> str:
        del grace_period
        found = self.get("Pod", name, namespace)
        if found is None:
            return ""
        if found["metadata"]["uid"] != uid:
            raise Conflict("the UID in the precondition does not match")
        self._write("evict", ("Pod", namespace, name))
        self._end(("Pod", namespace, name))
        return ""

    def delete(self, kind: str, name: str, namespace: str = "", *, propagation: str = "Background") -> None:
        del propagation
        self._write("delete", (kind, namespace, name))
        self._end((kind, namespace, name))

    def read(self, path: str, query: Mapping[str, str] | None = None, accept: str = "application/json") -> Object:
        place = self._place_of(path)
        if place is None or not place[2]:
            return super().read(path, query, accept)
        if place not in self.objects:
            raise Missing(f"{path} not found")
        return copy.deepcopy(self.objects[place])

    def write(
        self, method: str, path: str, body: Object, query: Mapping[str, str] | None = None, content: str = ""
    ) -> Object:
        """Create, replace or patch an object of any kind, or the status of one."""
        del content
        kind, namespace, name = self._place_of(path.removesuffix("/status")) or ("", "", "")
        place = (kind, namespace, name or body["metadata"]["name"])
        before = self.objects.get(place)
        if name and before is None:
            raise Missing(f"{path} not found")
        if before is not None and (not name or _is_older(body, before)):
            raise Conflict(f"{place} exists, or was modified")
        if namespace and ("Namespace", "", namespace) not in self.objects:
            raise Missing(f'namespaces "{namespace}" not found')
        item = merge(before, body) if method == "PATCH" else {**copy.deepcopy(body), "kind": kind}
        if not path.endswith("/status"):
            item.pop("status", None)
            item |= {"status": before["status"]} if before and "status" in before else {}
        if "dryRun" in (query or {}):
            item["metadata"].setdefault("uid", "dry")
            return item
        self._write(method.lower(), place)
        return self.put(item)

    def _place_of(self, path: str) -> tuple[str, str, str] | None:
        """The kind, namespace and name of a path, without a name for a list; None for another path."""
        for one in self.types:
            words = path.split("/")
            top = one.path().rsplit("/", 1)[0].split("/")
            rest = words[len(top) :]
            namespace = rest[1] if rest[:1] == ["namespaces"] and len(rest) > 2 else ""
            plural, *name = rest[2:] if namespace else rest or [""]
            if words[: len(top)] == top and plural == one.plural:
                return one.kind, namespace, "".join(name)
        return None

    def is_stuck(self) -> bool:
        """True if a pod exists that will not go because of a finalizer."""
        return any(item["metadata"].get("finalizers") for item in self.list("Pod"))

    def _end(self, key: tuple[str, str, str]) -> None:
        found = self.objects.get(key)
        protected = found is not None and found["kind"] == "Pod" and found["metadata"].get("finalizers")
        if found is not None and protected:
            self.objects[key] = {**found, "metadata": {**found["metadata"], "deletionTimestamp": "now"}}
        else:
            self.objects.pop(key, None)

    def _roll_out(self, item: Object) -> None:
        replicas = item["spec"].get("replicas", 1)
        status: Object = dict.fromkeys(("replicas", "updatedReplicas", "availableReplicas", "readyReplicas"), replicas)
        status["observedGeneration"] = item["metadata"].get("generation", 0)
        if item.get("status") != status:
            self.put({**item, "status": status})

    def _ends(self, item: Object, uids: dict[str, Object]) -> bool:
        metadata, references = item["metadata"], item["metadata"].get("ownerReferences") or ()
        if item["kind"] not in ("Pod", "ReplicaSet", "Job"):
            return False
        if metadata.get("deletionTimestamp"):
            return not metadata.get("finalizers")
        known = [r for r in references if "." not in r["apiVersion"]]
        if known and not any(r["uid"] in uids for r in known):
            return True
        return item["kind"] == "Pod" and self._is_scaled_down(item, uids)

    def _is_scaled_down(self, item: Object, uids: dict[str, Object]) -> bool:
        seen: set[str] = set()
        above: Any = item
        while above is not None and above["metadata"]["uid"] not in seen:
            seen.add(above["metadata"]["uid"])
            if above["kind"] in SCALED_OWNERS and workloads.state(above) == workloads.scaled_to_zero(above):
                return True
            references = above["metadata"].get("ownerReferences") or ()
            above = next((uids.get(r["uid"]) for r in references if r.get("controller")), None)
        return False


def _is_older(body: Object, before: Object) -> bool:
    known = (body.get("metadata") or {}).get("resourceVersion")
    return known not in (None, before["metadata"]["resourceVersion"])
