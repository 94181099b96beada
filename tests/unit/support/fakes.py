"""Fakes: a cluster in memory with the methods of Cluster, and a runner that follows a script."""

from __future__ import annotations

import copy
import itertools
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar

from ansible_collections.kindlab.volumes.plugins.module_utils._core.errors import (
    CommandFailed,
    Conflict,
    KindlabError,
    TimedOut,
)
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kube.objects import Object
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.command import Completed, Runner
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.identity.look import BOOT, LOOK
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.kube.api import Missing
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.kube.resources import RESOURCES, key_of, key_text
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.kube.watch import Change

from . import discovered

# The CA of a cluster whose tests are not about that.
CA = "-----BEGIN CERTIFICATE-----\nS2luZGxhYg==\n-----END CERTIFICATE-----\n"


def looked(argv: Sequence[str], ca: str = CA) -> Completed | None:
    """The answer to a look at a node, None for another command: this CA, and nothing that could be compared."""
    if LOOK not in argv:
        return None
    count = len(argv) - list(argv).index(LOOK) - 2
    return Completed(0, "\0".join(["", ca, *[""] * count, *argv[len(argv) - count :], "", "end", ""]))


def swapped(*paths: str, ca: str = CA) -> Completed:
    """A look at a node whose mounts, at these paths, are other directories than the host has: they are /srv/moved."""
    lines = "".join(f"2 1 8:1 /srv/moved {path} rw - ext4 /dev/sda1 rw\n" for path in paths)
    stats = ["1 1"] * len(paths)
    return Completed(0, "\0".join([Path(BOOT).read_text(), ca, *stats, *paths, lines, "end", ""]))


class Killed(BaseException):
    """The process is killed: no handler of errors may catch it."""


class FakeCluster:
    """A cluster in memory. objects: by (kind, namespace, name), as the API server shows them.

    writes: all writes as (verb, kind, 'namespace/name'). kill_after: number of writes after which the next one raises
    Killed. react: called with this cluster at each watch, to act as the controllers. ca: the published CA. now: seconds
    that waits in vain have taken, see clock(). unpatched: what a trial of a patch raises, by 'Kind namespace/name'.
    """

    server = "https://127.0.0.1:6443"

    def __init__(self, *objects: Object, kill_after: int | None = None) -> None:
        self.objects: dict[tuple[str, str, str], Object] = {}
        self.writes: list[tuple[str, str, str]] = []
        self.now = 0.0
        self.kill_after = kill_after
        self.ca = CA
        self.types = [
            discovered.kind(prefix.split("/", 2)[2], kind, plural, namespaced=namespaced)
            for kind, (prefix, plural, namespaced) in RESOURCES.items()
        ]
        self.refusals: dict[str, KindlabError] = {}
        self.unpatched: dict[str, KindlabError] = {}
        self.react: Callable[[FakeCluster], None] = lambda _cluster: None
        self._numbers = itertools.count(1)
        for item in objects:
            self.put(item)

    def put(self, item: Object) -> Object:
        """Store an object with its status; not counted as a write."""
        stored = copy.deepcopy(item)
        number = next(self._numbers)
        stored["metadata"].setdefault("uid", f"uid-{number}")
        stored["metadata"]["resourceVersion"] = str(number)
        self.objects[(stored["kind"], *key_of(stored))] = stored
        return copy.deepcopy(stored)

    def clock(self) -> float:
        """The time, for a Deadline."""
        return self.now

    def version(self) -> str:
        return "v1.34.4"

    def list(self, kind: str, namespace: str = "", labels: str = "", fields: str = "") -> list[Object]:
        wanted = dict(pair.split("=", 1) for pair in labels.split(",") if pair)
        return [
            copy.deepcopy(item)
            for (k, ns, _name), item in sorted(self.objects.items())
            if k == kind
            and namespace in ("", ns)
            and wanted.items() <= (item["metadata"].get("labels") or {}).items()
            and all(_field(item, *pair.split("=", 1)) for pair in fields.split(",") if pair)
        ]

    def read(self, path: str, query: Mapping[str, str] | None = None, accept: str = "application/json") -> Object:
        if path in self.refusals:
            raise self.refusals[path]
        if "APIGroupDiscoveryList" in accept:
            return discovered.documents(self.types)[path]
        types = {one.path(): one for one in self.types}
        head, _slash, rest = path.partition("/namespaces/")
        namespace, slash, plural = rest.partition("/")
        one = types.get(f"{head}/{plural}" if slash else path)
        if one is None:
            raise Missing("the server could not find the requested resource")
        items = self.list(one.kind, namespace if slash else "", (query or {}).get("labelSelector", ""))
        of_group = [item for item in items if item.get("apiVersion", one.api_version).rpartition("/")[0] == one.group]
        return {"items": of_group, "metadata": {"resourceVersion": "1"}}

    def root_ca(self) -> str:
        return self.ca

    def lists(self, *kinds: str) -> tuple[list[Object], ...]:
        return tuple(self.list(kind) for kind in kinds)

    def get(self, kind: str, name: str, namespace: str = "") -> Object | None:
        return copy.deepcopy(self.objects.get((kind, namespace, name)))

    def create(self, wanted: Object) -> Object:
        place = self._place(wanted)
        self._write("create", place)
        if place in self.objects:
            raise Conflict(f"{place[0]} {place[2]} already exists")
        if place[1] and ("Namespace", "", place[1]) not in self.objects:
            raise KindlabError(f'namespaces "{place[1]}" not found')
        item = copy.deepcopy(wanted)
        item["metadata"].pop("uid", None)
        item.pop("status", None)
        if item["metadata"].pop("managedFields", None):
            item["metadata"]["managedFields"] = [{"manager": "kindlab.volumes", "operation": "Update"}]
        if place[0] in ("PersistentVolume", "PersistentVolumeClaim"):
            item["status"] = {"phase": "Pending"}
        return self.put(item)

    def create_missing(self, item: Object) -> None:
        with suppress(Conflict):
            self.create(item)

    def dry_run(self, wanted: Object) -> Object:
        self._place(wanted)
        return copy.deepcopy(wanted)

    def apply(self, wanted: Object) -> Object:
        place = self._place(wanted)
        self._write("apply", place)
        return self.put(merge(self.objects.get(place, {}), wanted))

    def patch(self, kind: str, name: str, change: Object, namespace: str = "", subresource: str = "") -> Object:
        place = (kind, namespace, name)
        self._write(f"patch {subresource}".strip(), place)
        if place not in self.objects:
            raise Missing(f'{RESOURCES[kind][1]} "{name}" not found')
        version = change.get("metadata", {}).get("resourceVersion")
        if version not in (None, self.objects[place]["metadata"]["resourceVersion"]):
            raise Conflict(
                f"Operation cannot be fulfilled on {RESOURCES[kind][1]} {name}: the object has been modified"
            )
        hidden = "spec" if subresource == "status" else "status"
        change = {k: v for k, v in change.items() if k != hidden}
        before = self.objects[place]
        after = merge(before, change)
        named = before.get("spec", {}).get("volumeName")
        if kind == "PersistentVolumeClaim" and named and after["spec"].get("volumeName") != named:
            raise KindlabError(f"The API server refused (422): {name}: spec is immutable after creation")
        return self.put(after)

    def try_patch(self, kind: str, name: str, change: Object, namespace: str = "") -> None:
        del change
        if refusal := self.unpatched.get(f"{kind} {namespace}/{name}"):
            raise refusal

    def delete(
        self, kind: str, name: str, namespace: str = "", *, propagation: str = "Background", read: Object | None = None
    ) -> None:
        del propagation
        self._write("delete", (kind, namespace, name))
        there = self.objects.get((kind, namespace, name), read)
        for key in ("uid", "resourceVersion") if read and there else ():
            if there["metadata"][key] != read["metadata"][key]:
                raise Conflict(f"{kind} {name}: the {key} in the precondition does not match")
        self.objects.pop((kind, namespace, name), None)

    def each(self, function: Callable[[Any], Any], items: Iterable[Any]) -> list[Any]:
        return [function(item) for item in items]

    def watch(self, kind: str, timeout: float, fields: str = "") -> Iterator[Change]:
        del timeout
        self.react(self)
        yield from (Change("ADDED", item) for item in self.list(kind, fields=fields))

    def wait(
        self,
        kind: str,
        ready: Callable[[Object], bool],
        names: Iterable[tuple[str, str]],
        timeout: float,
    ) -> None:
        items = {key_of(change.object): change.object for change in self.watch(kind, timeout)}
        missing = sorted(key_text(key) for key in set(names) if key not in items or not ready(items[key]))
        if missing:
            self.now += timeout
            raise TimedOut(f"{kind}: {missing} not ready", details=missing)

    def left_after(
        self,
        kind: str,
        names: Iterable[Any],
        timeout: float,
        key: Callable[[Object], Any],
        fields: str = "",
        gone: Callable[[Object], bool] = lambda _object: False,
        stop: Callable[[Object], bool] = lambda _object: False,
    ) -> set[Any]:
        del stop
        found = [change.object for change in self.watch(kind, timeout, fields=fields)]
        left = {key(item) for item in found if not gone(item)} & set(names)
        self.now += timeout if left else 0.0
        return left

    def wait_gone(self, kind: str, names: Iterable[tuple[str, str]], timeout: float) -> None:
        left = self.left_after(kind, names, timeout, key_of)
        if left:
            raise TimedOut(f"{kind}: {sorted(left)} still there")

    def _place(self, item: Object) -> tuple[str, str, str]:
        namespaced = RESOURCES[item["kind"]][2]
        namespace = item["metadata"].get("namespace", "default") if namespaced else ""
        return item["kind"], namespace, item["metadata"]["name"]

    def _write(self, verb: str, place: tuple[str, str, str]) -> None:
        if self.kill_after is not None and len(self.writes) >= self.kill_after:
            raise Killed
        self.writes.append((verb, place[0], "/".join(filter(None, place[1:]))))


def _field(item: Object, path: str, value: str) -> bool:
    """True if the field at the dotted path has the value, as in a field selector."""
    found: Any = item
    for part in path.split("."):
        found = (found or {}).get(part)
    return (found or "") == value


def merge(target: Any, change: Any) -> Any:
    """A JSON merge patch (RFC 7396)."""
    if not isinstance(change, Mapping):
        return copy.deepcopy(change)
    merged = copy.deepcopy(dict(target)) if isinstance(target, Mapping) else {}
    for key, value in change.items():
        if value is None:
            merged.pop(key, None)
        else:
            merged[key] = merge(merged.get(key), value)
    return merged


@dataclass
class ScriptedRunner(Runner):
    """Answers commands from a script: by the first entry that the command begins with. calls: all commands.

    script: (first words, answer); an answer is a Completed, text for standard output, or an error to raise. looks: node
    -> what a look at it shows, unless that does not matter.
    """

    looks: ClassVar[dict[str, Completed]] = {}

    script: Sequence[tuple[Sequence[str], Completed | str | Exception]] = ()
    calls: list[list[str]] = field(default_factory=list)

    def run(
        self,
        argv: Sequence[str],
        *,
        stdin: str | None = None,
        check: bool = True,
        timeout: float | None = None,
        env: Mapping[str, str] | None = None,
    ) -> Completed:
        del stdin, timeout, env
        self.calls.append(list(argv))
        if look := looked(argv):
            return self.looks.get(argv[3], look)
        for words, answer in self.script:
            if list(argv[: len(words)]) == list(words):
                if isinstance(answer, Exception):
                    raise answer
                done = Completed(0, answer) if isinstance(answer, str) else answer
                if check and done.code != 0:
                    raise CommandFailed(f"{argv[0]} failed: {done.err or done.out}", tried=" ".join(argv))
                return done
        raise AssertionError(f"not in the script: {list(argv)}")


def binding_controller(cluster: FakeCluster) -> None:
    """Act as Kubernetes' volume controller on all volumes and claims (syncClaim, then syncVolume); for react.

    It writes only objects that change.
    """
    for claim in cluster.list("PersistentVolumeClaim"):
        _sync_claim(cluster, claim)
    for pv in cluster.list("PersistentVolume"):
        ref = pv["spec"].get("claimRef") or {}
        claim = cluster.get("PersistentVolumeClaim", ref.get("name", ""), ref.get("namespace", ""))
        phase = "Bound"
        if not ref.get("uid"):
            phase = "Available"
        elif claim is None or claim["metadata"]["uid"] != ref["uid"]:
            phase = "Released"
        elif claim["spec"].get("volumeName") != pv["metadata"]["name"]:
            phase = pv["status"]["phase"]
        _keep(cluster, pv, {"status": {"phase": phase}})


def _sync_claim(cluster: FakeCluster, claim: Object) -> None:
    done = "pv.kubernetes.io/bind-completed" in (claim["metadata"].get("annotations") or {})
    named = claim["spec"].get("volumeName", "")
    uid, key = claim["metadata"]["uid"], key_of(claim)
    fitting = [pv for pv in cluster.list("PersistentVolume") if _fits(pv, named, key, uid)]
    if not fitting or (done and not named):
        _keep(cluster, claim, {"status": {"phase": "Lost" if done else "Pending"}})
        return
    pv = fitting[0]
    ref = {"namespace": key[0], "name": key[1], "uid": uid}
    _keep(cluster, pv, {"spec": {"claimRef": ref}, "status": {"phase": "Bound"}})
    status = {"phase": "Bound", "accessModes": pv["spec"]["accessModes"], "capacity": pv["spec"]["capacity"]}
    annotations = {"pv.kubernetes.io/bind-completed": "yes"}
    bound = {"metadata": {"annotations": annotations}, "spec": {"volumeName": pv["metadata"]["name"]}}
    _keep(cluster, claim, {**bound, "status": status})


def _fits(pv: Object, named: str, key: tuple[str, str], uid: str) -> bool:
    ref = pv["spec"].get("claimRef")
    if named and pv["metadata"]["name"] != named:
        return False
    if ref is None:
        return bool(named)
    return (ref.get("namespace"), ref.get("name")) == key and ref.get("uid", "") in ("", uid)


def _keep(cluster: FakeCluster, item: Object, change: Object) -> None:
    changed = merge(item, change)
    if changed != item:
        cluster.put(changed)
