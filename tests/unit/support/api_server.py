"""A fake API server for objects of any kind: it serves types, fills in defaults, and refuses as the real one does."""

from __future__ import annotations

import copy
import itertools
import json
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from ansible_collections.kindlab.volumes.plugins.module_utils._core.errors import Conflict, KindlabError, TimedOut
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kube.objects import Object
from ansible_collections.kindlab.volumes.plugins.module_utils._core.objects.model import Key, Resource, key_of
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.kube.api import Missing
from ansible_collections.kindlab.volumes.tests.unit.support.fakes import Killed, merge

VERBS = frozenset(("get", "list", "create"))


def resource(kind: str, group: str = "", version: str = "v1", *, namespaced: bool = True, plural: str = "") -> Resource:
    return Resource(group, version, kind, plural or f"{kind.lower()}s", namespaced, VERBS, status=True)


RBAC = "rbac.authorization.k8s.io"
ADMISSION = "admissionregistration.k8s.io"
BUILT_IN = (
    resource("Namespace", namespaced=False),
    *(resource(kind) for kind in ("ConfigMap", "Secret", "ServiceAccount", "Service", "Pod", "LimitRange")),
    resource("Node", namespaced=False),
    resource("ResourceQuota"),
    *(resource(kind, "apps") for kind in ("Deployment", "StatefulSet", "DaemonSet")),
    *(resource(kind, "batch") for kind in ("Job", "CronJob")),
    *(resource(kind, RBAC) for kind in ("Role", "RoleBinding")),
    *(resource(kind, RBAC, namespaced=False) for kind in ("ClusterRole", "ClusterRoleBinding")),
    resource("HorizontalPodAutoscaler", "autoscaling", "v2"),
    resource("PodDisruptionBudget", "policy"),
    resource("NetworkPolicy", "networking.k8s.io", plural="networkpolicies"),
    resource("Ingress", "networking.k8s.io", plural="ingresses"),
    resource("StorageClass", "storage.k8s.io", namespaced=False, plural="storageclasses"),
    resource("CustomResourceDefinition", "apiextensions.k8s.io", namespaced=False),
    resource("ValidatingWebhookConfiguration", ADMISSION, namespaced=False),
)


class FakeApi:
    """An API server with the methods of Cluster that read and write any path.

    writes: all writes that were no trial, as 'POST Kind namespace/name'. kill_after: the number of writes after which
    the next one raises Killed. waits: how many writes there were when something was waited for. refusals: asked before
    each write, (method, object, this) -> a refusal or None.
    """

    def __init__(self, *objects: Object, types: Iterable[Resource] = BUILT_IN, kill_after: int | None = None) -> None:
        self.objects: dict[Key, Object] = {}
        self.writes: list[str] = []
        self.trials: list[str] = []
        self.kill_after = kill_after
        self.types = {(found.group, found.kind): found for found in types}
        self.older: dict[tuple[str, str], tuple[str, ...]] = {}
        self.refusals: list[Callable[[str, Object, FakeApi], str | None]] = []
        self.established = True
        self.waits: list[int] = []
        self._numbers = itertools.count(1)
        for item in objects:
            self.put(item)

    def put(self, item: Object) -> Object:
        """Store an object; not counted as a write."""
        number = next(self._numbers)
        stored = copy.deepcopy(item)
        stored["metadata"] = {"uid": f"uid-{number}", "creationTimestamp": "2026-01-02T03:04:05Z", **stored["metadata"]}
        stored["metadata"]["resourceVersion"] = str(number)
        self.objects[key_of(stored)] = stored
        if stored["kind"] == "CustomResourceDefinition":
            self._define(stored)
        return copy.deepcopy(stored)

    def each(self, function: Callable[[Any], Any], items: Iterable[Any]) -> list[Any]:
        return [function(item) for item in items]

    def wait(
        self, kind: str, ready: Callable[[Object], bool], names: Iterable[tuple[str, str]], timeout: float
    ) -> None:
        del ready, timeout
        self.waits.append(len(self.writes))
        if not self.established and (missing := [name for _namespace, name in names]):
            raise TimedOut(f"{kind} {', '.join(missing)}: not ready", details=missing)

    def read(self, path: str, query: Mapping[str, str] | None = None, accept: str = "") -> Object:
        del query, accept
        if path in ("/api", "/apis"):
            return self._discovery(core=path == "/api")
        found, version, namespace, name = self._route(path)
        if found is None:
            return {"resources": [{"kind": kind} for kind in self._kinds(path)]}
        if name:
            return self._shown(self._get(found, namespace, name), version)
        rows = [item for key, item in sorted(self.objects.items()) if key[:2] == (found.group, found.kind)]
        return {"items": [self._shown(r, version) for r in rows if namespace in ("", r["metadata"].get("namespace"))]}

    def write(
        self, method: str, path: str, body: Object | None, query: Mapping[str, str] | None = None, content: str = ""
    ) -> Object:
        del content
        found, version, namespace, name = self._route(path.removesuffix("/status"))
        assert found is not None and body is not None
        before = copy.deepcopy(self._get(found, namespace, name)) if name else None
        item = json.loads(json.dumps(body)) if before is None else self._changed(method, before, body)
        if found.status and not path.endswith("/status"):
            item = {**item, "status": (before or {}).get("status") or {}}
        item = {**item, "apiVersion": found.api_version if before is None else before["apiVersion"], "kind": found.kind}
        key = key_of(item)
        dry = bool((query or {}).get("dryRun"))
        self._count(f"{method} {found.kind} {'/'.join(filter(None, (key.namespace, key.name)))}", dry=dry)
        self._check(method, item, before)
        self._default(item, before, (query or {}).get("fieldManager", ""))
        if dry:
            item["metadata"].setdefault("uid", "dry")
            return self._shown(item, version)
        return self._shown(self.put(item), version)

    def _count(self, text: str, *, dry: bool) -> None:
        if dry:
            self.trials.append(text)
            return
        if self.kill_after is not None and len(self.writes) >= self.kill_after:
            raise Killed
        self.writes.append(text)

    def _changed(self, method: str, before: Object, body: Object) -> Object:
        given = body["metadata"].get("resourceVersion") if body.get("metadata") else None
        if given not in (None, before["metadata"]["resourceVersion"]):
            raise Conflict("the object has been modified; please apply your changes to the latest version")
        if method == "PATCH":
            return dict(merge(before, body))
        kept = {
            k: before["metadata"][k] for k in ("uid", "creationTimestamp", "managedFields") if k in before["metadata"]
        }
        return {**copy.deepcopy(body), "metadata": {**copy.deepcopy(body["metadata"]), **kept}}

    def _check(self, method: str, item: Object, before: Object | None) -> None:
        key = key_of(item)
        if method == "POST":
            namespace = self.objects.get(Key("", "Namespace", "", key.namespace))
            if key.namespace and namespace is None:
                raise Missing(f'namespaces "{key.namespace}" not found')
            if key in self.objects:
                raise Conflict(f'{key.kind.lower()}s "{key.name}" already exists')
            if (namespace or {}).get("status", {}).get("phase") == "Terminating":
                raise KindlabError(f"unable to create new content in namespace {key.namespace}: it is being terminated")
        for refusal in self.refusals:
            if text := refusal(method, item, self):
                raise KindlabError(text)
        if key.kind == "Service":
            self._check_service(item, before)

    def _check_service(self, item: Object, before: Object | None) -> None:
        others = [other for key, other in self.objects.items() if key.kind == "Service" and key != key_of(item)]
        spec = item["spec"]
        address = spec.get("clusterIP")
        if before is not None and address not in ("", None, before["spec"]["clusterIP"]):
            raise KindlabError("The API server refused (422): spec.clusterIPs[0]: Invalid value: field is immutable")
        if address not in (None, "", "None") and any(other["spec"]["clusterIP"] == address for other in others):
            raise KindlabError(
                f'The API server refused (422): Service "{item["metadata"]["name"]}" is invalid: spec.clusterIPs: '
                f'Invalid value: ["{address}"]: failed to allocate IP {address}: provided IP is already allocated'
            )
        taken = {port.get("nodePort") for other in others for port in other["spec"].get("ports") or ()} - {None}
        for number, port in enumerate(spec.get("ports") or ()):
            if port.get("nodePort") in taken:
                field = f"spec.ports[{number}].nodePort: Invalid value: {port['nodePort']}"
                raise KindlabError(f"The API server refused (422): {field}: provided port is already allocated")

    def _default(self, item: Object, before: Object | None, manager: str) -> None:
        metadata, spec = item["metadata"], item.get("spec")
        if before is None or "managedFields" not in metadata:
            fields = {"f:spec": {f"f:{name}": {} for name in spec or ()}}
            metadata["managedFields"] = [{"manager": manager, "operation": "Update", "fieldsV1": fields}]
        if item["kind"] == "Namespace":
            metadata["labels"] = {**(metadata.get("labels") or {}), "kubernetes.io/metadata.name": metadata["name"]}
            item["spec"], item["status"] = {"finalizers": ["kubernetes"]}, {"phase": "Active"}
        if item["kind"] == "Deployment":
            item["spec"] = {"replicas": 1, "revisionHistoryLimit": 10, **(spec or {})}
        if item["kind"] == "Service" and spec is not None:
            spec.setdefault("sessionAffinity", "None")
            if spec.get("type") != "ExternalName" and not spec.get("clusterIP"):
                free = before["spec"]["clusterIP"] if before else f"10.96.200.{next(self._numbers)}"
                spec.update(clusterIP=free, clusterIPs=[free])
            for number, port in enumerate(spec.get("ports") or ()):
                if spec.get("type") == "NodePort" and not port.get("nodePort"):
                    port["nodePort"] = (
                        before["spec"]["ports"][number]["nodePort"] if before else 32000 + next(self._numbers)
                    )

    def _define(self, definition: Object) -> None:
        spec = definition["spec"]
        names = spec["names"]
        found = Resource(
            spec["group"],
            spec["versions"][0]["name"],
            names["kind"],
            names["plural"],
            spec["scope"] == "Namespaced",
            VERBS,
        )
        self.types[found.group, found.kind] = found

    def _get(self, found: Resource, namespace: str, name: str) -> Object:
        key = Key(found.group, found.kind, namespace, name)
        if key not in self.objects:
            raise Missing(f'{found.plural} "{name}" not found')
        return self.objects[key]

    def _route(self, path: str) -> tuple[Resource | None, str, str, str]:
        """The type, apiVersion, namespace and name of a path."""
        words = path.strip("/").split("/")
        group, version, *rest = words[1:] if words[0] == "apis" else ["", *words[1:]]
        if not rest:
            return None, "", "", ""
        namespace = ""
        if rest[0] == "namespaces" and len(rest) > 2:
            namespace, rest = rest[1], rest[2:]
        for found in self.types.values():
            if (found.group, found.plural) == (group, rest[0]) and version in self._versions(found):
                return found, f"{group}/{version}" if group else version, namespace, (rest[1:] or [""])[0]
        raise Missing("the server could not find the requested resource")

    def _versions(self, found: Resource) -> tuple[str, ...]:
        return (found.version, *self.older.get((found.group, found.kind), ()))

    def _kinds(self, path: str) -> list[str]:
        group, _slash, version = path.removeprefix("/apis/").removeprefix("/api/").rpartition("/")
        kinds = [t.kind for t in self.types.values() if t.group == group and version in self._versions(t)]
        if not kinds:
            raise Missing("404 page not found")
        return kinds

    def _shown(self, item: Object, version: str) -> Object:
        return {**copy.deepcopy(item), "apiVersion": version}

    def _discovery(self, *, core: bool) -> Object:
        groups: dict[str, list[Resource]] = {}
        for found in self.types.values():
            if (not found.group) == core:
                groups.setdefault(found.group, []).append(found)
        return {
            "kind": "APIGroupDiscoveryList",
            "items": [
                {
                    "metadata": {"name": group},
                    "versions": [
                        {"version": version, "resources": [_described(f) for f in rows if f.version == version]}
                        for version in sorted({found.version for found in rows})
                    ],
                }
                for group, rows in groups.items()
            ],
        }


def _described(found: Resource) -> Object:
    return {
        "resource": found.plural,
        "responseKind": {"kind": found.kind},
        "scope": "Namespaced" if found.namespaced else "Cluster",
        "verbs": sorted(found.verbs),
        "subresources": [{"subresource": "status"}] if found.status else [],
    }
