# Copyright: kindlab.volumes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Select the objects to save: those that people made or changed, of some namespaces, kinds and labels, or all."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ansible_collections.kindlab.volumes.plugins.module_utils._core.errors import BadInput
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kube.managed.fields import without_managers
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kube.objects import Object
from ansible_collections.kindlab.volumes.plugins.module_utils._core.objects.changes.managed import without_others
from ansible_collections.kindlab.volumes.plugins.module_utils._core.objects.changes.three_way import touched
from ansible_collections.kindlab.volumes.plugins.module_utils._core.options import check_not_empty
from ansible_collections.kindlab.volumes.plugins.module_utils._core.text import listed

from . import rules
from .baseline import Baseline, change_of, gone
from .cleaning import cleaned, kind_of
from .model import Change, Key, LeftOut, Resource, Saved, key_of
from .owners import Owners

NAMESPACE = ("", "Namespace")


@dataclass(frozen=True)
class Selection:
    """Which objects are saved, () and '' for all. labels: as `kubectl --selector` takes them."""

    namespaces: tuple[str, ...] = ()
    kinds: tuple[str, ...] = ()
    labels: str = ""

    @classmethod
    def from_options(cls, options: Mapping[str, Any]) -> Selection:
        """Raises BadInput."""
        check_not_empty(options, "namespaces", "kinds", "label_selectors")
        labels = ",".join(options["label_selectors"] or ())
        return cls(tuple(options["namespaces"] or ()), tuple(options["kinds"] or ()), labels)

    @property
    def is_everything(self) -> bool:
        """True if all objects of the cluster are saved."""
        return not (self.namespaces or self.kinds or self.labels)

    def resources(self, found: Iterable[Resource]) -> tuple[Resource, ...]:
        """The types to read: those of the kinds, and namespaces, which the others need. Raises BadInput."""
        found = tuple(resource for resource in found if rules.is_read(resource.group, resource.kind))
        chosen = {resource for word in self.kinds for resource in _named(word, found)}
        return tuple(
            resource
            for resource in found
            if (resource.group, resource.kind) == NAMESPACE
            or ((not self.kinds or resource in chosen) and (resource.namespaced or not self.namespaces))
        )

    def check(self, items: Iterable[Mapping[str, Any]]) -> None:
        """Raise BadInput for namespaces that the cluster does not have, if namespaces could be read."""
        present = {item["metadata"]["name"] for item in items if kind_of(item) == NAMESPACE}
        missing = [name for name in self.namespaces if name not in present]
        if missing and present:
            raise BadInput(
                f"namespaces has {listed(missing)}, which this cluster does not have.",
                next_step=f"Correct namespaces; the cluster has {listed(sorted(present), 30)}.",
            )

    def holds(self, key: Key, inhabited: Iterable[str]) -> bool:
        """True for an object that is selected, of those that were read. inhabited: namespaces that others need."""
        if (key.group, key.kind) != NAMESPACE:
            return not self.namespaces or key.namespace in self.namespaces
        named = not self.kinds or any(word.lower() in ("namespace", "namespaces") for word in self.kinds)
        chosen = named and not self.labels and (not self.namespaces or key.name in self.namespaces)
        return chosen or key.name in inhabited


def select(
    items: Iterable[Object],
    resources: Iterable[Resource],
    baseline: Baseline | None,
    selection: Selection = Selection(),
) -> Saved:
    """What is saved of the objects that were read. baseline: None if nobody recorded what the cluster brought."""
    found = {key_of(item): item for item in items}
    owners = Owners(found, selecting(found.values()))
    ending = {key.name for key, item in found.items() if (key.group, key.kind) == NAMESPACE and _is_ending(item)}
    own_status = {(r.group, r.kind) for r in resources if not r.status}
    sorting = _Sorting(baseline, rules.bound_accounts(found.values()))
    for key, item in sorted(found.items()):
        if key.namespace not in ending and not owners.is_made_again(item):
            sorting.sort(key, item)
    uids = {item["metadata"].get("uid") for item in sorting.made} - {None}
    made = [cleaned(item, uids, keep_status=kind_of(item) in own_status) for item in sorting.made]
    return _selected(made, sorting, [*found], selection)


def selecting(items: Iterable[Object]) -> set[tuple[str, str]]:
    """(namespace, name) of the Services that find their endpoints by labels."""
    return {
        (item["metadata"].get("namespace", ""), item["metadata"]["name"])
        for item in items
        if kind_of(item) == ("", "Service") and (item.get("spec") or {}).get("selector")
    }


class _Sorting:
    """The objects, one after the other, into made, changed and left out."""

    def __init__(self, baseline: Baseline | None, accounts: Collection[Key]) -> None:
        """accounts: those of the cluster's own controllers."""
        self.baseline = baseline
        self.accounts = accounts
        self.made: list[Object] = []
        self.changed: list[Change] = []
        self.left_out: list[LeftOut] = []
        self.elsewhere: dict[tuple[str, str], str] = {}

    def sort(self, key: Key, item: Object) -> None:
        """One that no controller makes again."""
        kind = key.group, key.kind
        before = (self.baseline or {}).get(key) or rules.default_account(key) or self._brought(key, item)
        patch = change_of(cleaned(item), before) if before else None
        if kind in rules.ELSEWHERE:
            self.elsewhere[kind] = rules.ELSEWHERE[kind]
        elif _is_ending(item):
            self.left_out.append(LeftOut(key, "it is being deleted"))
        elif patch == {} or rules.is_maintained(item):
            return
        elif rules.is_provisioned(item):
            self.left_out.append(LeftOut(key, rules.PROVISIONED))
        elif patch and key in rules.NOT_CARRIED:
            self.left_out.append(LeftOut(key, rules.NOT_CARRIED[key]))
        elif before and patch:
            self.changed.append(Change(key, item["apiVersion"], patch, touched(before, patch)))
        elif not self._is_brought(key, item, by_name=False):
            self.made.append(item)
            if rules.has_outdated_pods(item):
                self.left_out.append(LeftOut(key, rules.OUTDATED_PODS))

    def _is_brought(self, key: Key, item: Object, *, by_name: bool) -> bool:
        return key in self.accounts or rules.is_brought(item, by_name=by_name)

    def _brought(self, key: Key, item: Object) -> Object | None:
        """What the cluster brought, as far as that shows without a baseline; None if the object is people's own."""
        if self.baseline is not None or not self._is_brought(key, item, by_name=True):
            return None
        return without_others(item, without_managers(cleaned(item)), rules.own_managers(key))


def _selected(made: Sequence[Object], sorting: _Sorting, present: Sequence[Key], selection: Selection) -> Saved:
    inhabited = {key.namespace for item in made if selection.holds(key := key_of(item), ())} - {""}
    left_out = list(sorting.left_out)
    if selection.is_everything:
        left_out += [LeftOut(Key(*kind, "", ""), why) for kind, why in sorted(sorting.elsewhere.items())]
        left_out += [
            LeftOut(key, "people deleted it, and a new cluster brings it again")
            for key in gone(sorting.baseline or {}, present)
            if key.namespace != rules.KIND_NAMESPACE and not rules.is_kinds_own(key)
        ]
    return Saved(
        tuple(item for item in made if selection.holds(key_of(item), inhabited)),
        tuple(change for change in sorting.changed if selection.holds(change.key, ())),
        tuple(row for row in sorted(left_out, key=lambda row: row.key) if selection.holds(row.key, ())),
    )


def _named(word: str, found: Sequence[Resource]) -> list[Resource]:
    """The types that a word names, as kubectl takes it: Deployment, deployments, deployments.apps."""
    name, _dot, group = word.lower().partition(".")
    named = [r for r in found if name in (r.kind.lower(), r.plural) and (not group or r.group == group)]
    stored = next((why for r in named if (why := rules.ELSEWHERE.get((r.group, r.kind)))), "")
    if stored:
        raise BadInput(
            f"kinds has {word}, which is not saved as an object: {stored}.", next_step="Remove it from kinds."
        )
    if not named:
        names = sorted(f"{r.plural}.{r.group}" if r.group else r.plural for r in found)
        raise BadInput(
            f"kinds has {word}, which this cluster does not have, or which cannot be listed and created.",
            tried="kubectl api-resources --verbs=get,list,create",
            next_step=f"Correct kinds; the cluster has {listed(names, 60)}.",
        )
    return named


def _is_ending(item: Mapping[str, Any]) -> bool:
    return bool(item["metadata"].get("deletionTimestamp"))
