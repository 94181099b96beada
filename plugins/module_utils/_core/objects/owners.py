# Copyright: kindlab.volumes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Which objects controllers make again, because of what owns them."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import Any

from ansible_collections.kindlab.volumes.plugins.module_utils._core.kube.objects import Object
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kube.pods import controller, is_builtin
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kube.workloads import has_finished, is_run

from . import rules
from .cleaning import kind_of
from .model import Key

REVISION = "deployment.kubernetes.io/revision"
# What Kubernetes' own controllers make of workloads; whatever else belongs to one was made by somebody else.
_OF_WORKLOADS = (("", "Pod"), ("apps", "ReplicaSet"), ("batch", "Job"))
# What other controllers keep generated names and passwords in: made again they would be others.
_GENERATED = (("", "Secret"), ("", "ConfigMap"))


class Owners:
    """The owners of objects that were read all at once. selecting: see rules.is_made_again."""

    def __init__(self, found: Mapping[Key, Object], selecting: set[tuple[str, str]]) -> None:
        self._known = {item["metadata"]["uid"] for item in found.values() if item["metadata"].get("uid")}
        self._needed = set(map(id, _of_paused(found.values())))
        self._again = {id(item) for item in found.values() if self._is_again(item, selecting)}
        self._follow(found.values())

    def is_made_again(self, item: Object) -> bool:
        """True for one of the objects that a controller, or a server, makes again."""
        return id(item) in self._again

    def _is_again(self, item: Object, selecting: set[tuple[str, str]]) -> bool:
        if rules.is_made_again(item, selecting):
            return True
        reference = controller(item)
        if reference is None:
            return False
        if is_builtin(reference):
            # Nothing does an unfinished run of a CronJob again.
            unfinished = kind_of(item) == ("batch", "Job") and is_run(item) and not has_finished(item)
            return kind_of(item) in _OF_WORKLOADS and not unfinished and id(item) not in self._needed
        return reference.get("uid") in self._known and kind_of(item) not in _GENERATED

    def _follow(self, items: Iterable[Object]) -> None:
        """Whoever belongs only to objects that are made again goes with them."""
        uids: dict[str, Object] = {}
        children: dict[str, list[Object]] = {}
        for item in items:
            if item["metadata"].get("uid"):
                uids[item["metadata"]["uid"]] = item
            for uid in _owners(item):
                children.setdefault(uid, []).append(item)
        todo = [uid for uid, item in uids.items() if id(item) in self._again]
        gone = set(todo)
        while todo:
            for child in children.get(todo.pop(), ()):
                uid = child["metadata"].get("uid")
                if uid and uid not in gone and gone.issuperset(_owners(child)):
                    gone.add(uid)
                    todo.append(uid)
                    self._again.add(id(child))


def _of_paused(items: Iterable[Object]) -> Iterable[Object]:
    """The newest ReplicaSet of each paused Deployment: nobody makes that again, and without it there are no pods."""
    items = list(items)
    paused = {
        item["metadata"].get("uid")
        for item in items
        if kind_of(item) == ("apps", "Deployment") and (item.get("spec") or {}).get("paused")
    }
    newest: dict[str, Object] = {}
    for item in items:
        owner = (controller(item) or {}).get("uid", "")
        if owner in paused and kind_of(item) == ("apps", "ReplicaSet"):
            newest[owner] = max(newest.get(owner, item), item, key=_revision)
    return newest.values()


def _revision(replica_set: Object) -> int:
    text = str((replica_set["metadata"].get("annotations") or {}).get(REVISION, ""))
    return int(text) if text.isdigit() else 0


def _owners(item: Mapping[str, Any]) -> Collection[str]:
    return {r["uid"] for r in item["metadata"].get("ownerReferences") or () if r.get("uid")}
