# Copyright: kindlab.volumes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Plan a restore of objects: what is done about each saved one, and why."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace

from ansible_collections.kindlab.volumes.plugins.module_utils._core.kube.conditions import (
    is_default_class,
    namespace_obstacle,
)
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kube.objects import Object
from ansible_collections.kindlab.volumes.plugins.module_utils._core.objects.changes.scaled import as_scaled, targets
from ansible_collections.kindlab.volumes.plugins.module_utils._core.objects.changes.three_way import carried_patch
from ansible_collections.kindlab.volumes.plugins.module_utils._core.objects.steps.comparing import differing, is_equal
from ansible_collections.kindlab.volumes.plugins.module_utils._core.objects.steps.desired import RESUME, desired
from ansible_collections.kindlab.volumes.plugins.module_utils._core.objects.steps.done_jobs import is_done
from ansible_collections.kindlab.volumes.plugins.module_utils._core.objects.steps.outcome import (
    found_in,
    owned,
    without_lost_owners,
)
from ansible_collections.kindlab.volumes.plugins.module_utils._core.objects.steps.step import (
    CREATE,
    FINISH,
    KEEP,
    NAMESPACE,
    OWN,
    PATCH,
    REPLACE,
    SKIP,
    UNCHANGED,
    Plan,
    Step,
    kind_text,
    type_of,
)

from .cleaning import cleaned
from .model import Change, Key, Resource, Saved, key_of
from .waves import AGGREGATED, DEFINITION, WAVES, aggregated_groups, wave_of, wave_of_kind

_DEFAULT_ACCOUNT = ("", "ServiceAccount", "default")
_CLASS = ("storage.k8s.io", "StorageClass")
_NODE = ("", "Node")


@dataclass(frozen=True)
class Request:
    """What is asked for. existing: what happens to an object that differs. down: who uses claims is scaled to zero."""

    existing: str = "refuse"
    jobs: str = RESUME
    down: bool = False


@dataclass(frozen=True)
class Observed:
    """A cluster. live: the objects of all saved kinds; resources: by group and kind, in the preferred version.

    gone: (apiVersion, kind) that are not served any more.
    """

    live: Mapping[Key, Object] = field(default_factory=dict)
    resources: Mapping[tuple[str, str], Resource] = field(default_factory=dict)
    gone: Collection[tuple[str, str]] = ()


def plan(request: Request, saved: Saved, observed: Observed) -> Plan:
    """What is done about each saved object; those that are refused are steps, too: see Plan.check()."""
    resources = {**defined(saved.made), **observed.resources}
    planner = _Planner(request, observed, resources, targets(saved.made), aggregated_groups(saved.made))
    steps = [planner.of_made(item) for item in saved.made] + [planner.of_change(change) for change in saved.changed]
    order = {wave: number for number, wave in enumerate(WAVES)}
    uids = {key: item["metadata"].get("uid", "") for key, item in observed.live.items()}
    there = uids.keys() | {step.key for step in steps if step.action == CREATE}
    steps = [without_lost_owners(step, there) if step.action == OWN else step for step in steps]
    return Plan(request.existing, tuple(sorted(steps, key=lambda step: (order[step.wave], step.key))), uids)


def defined(items: Sequence[Object]) -> dict[tuple[str, str], Resource]:
    """The types that the CustomResourceDefinitions among these objects define."""
    return {type_of(item): _resource(item) for item in items if key_of(item)[:2] == DEFINITION}


class _Planner:
    """Plans the steps of single objects."""

    def __init__(
        self,
        request: Request,
        observed: Observed,
        resources: Mapping[tuple[str, str], Resource],
        scaled: Collection[Key],
        aggregated: Collection[str] = (),
    ) -> None:
        """scaled: workloads that a saved autoscaler scales. aggregated: see aggregated_groups."""
        self.request = request
        self.scaled = scaled
        self.aggregated = aggregated
        self.scaled_already = targets(observed.live.values())
        self.observed = observed
        self.resources = resources
        classes = (item for key, item in observed.live.items() if key[:2] == _CLASS)
        self.default_class = next((item["metadata"]["name"] for item in classes if is_default_class(item)), "")
        self.nodes = [key.name for key in observed.live if key[:2] == _NODE]

    def of_made(self, item: Object) -> Step:
        """The step of an object that people made."""
        key = key_of(item)
        live = self.observed.live.get(key)
        already = key in self.scaled_already
        told: tuple[str, ...] = ()
        if live is not None and (already or key in self.scaled):
            item, told = as_scaled(item, cleaned(live), already=already)
        wanted = desired(
            item,
            jobs=self.request.jobs,
            down=self.request.down,
            default_class=self.default_class,
            nodes=self.nodes,
        )
        saved = item if wanted.later else wanted.item
        adapted = (*wanted.adapted, *told)
        wave = AGGREGATED if key.group in self.aggregated else wave_of(item)
        step = Step(key, wave, CREATE, wanted.item, saved, live=live, adapted=adapted)
        if live is not None and not _is_ending(live) and is_equal(saved, live):
            adapted = told if wanted.later else adapted
            return self._typed(owned(replace(step, action=UNCHANGED, adapted=adapted, found=found_in(step, live))))
        if live is not None and is_done(item) and is_equal(wanted.item, live):
            return self._typed(replace(step, action=FINISH))
        if wanted.skipped:
            return replace(step, action=SKIP, why=wanted.skipped)
        step = self._typed(step)
        if step.is_refused or live is None:
            return step
        if key[:2] == _CLASS:
            return replace(step, action=KEEP, why=f"it exists, and differs in {differing(saved, live)}")
        return replace(step, action=REPLACE)

    def of_change(self, change: Change) -> Step:
        """The step of an object that the cluster brings, and that people changed."""
        live, patch = self.observed.live.get(change.key), dict(change.patch)
        versioned = {"apiVersion": change.api_version, **patch}
        step = self._typed(Step(change.key, wave_of_kind(change.key), PATCH, versioned, patch, live=live))
        if step.is_refused:
            return step
        if live is None:
            # The controller of namespaces may not have made it yet.
            later = (change.key.group, change.key.kind, change.key.name) == _DEFAULT_ACCOUNT
            why = "the cluster does not have it, and only what was changed of it is saved"
            return replace(step, item=patch) if later else step.refused(why)
        patch, lost = carried_patch(change, cleaned(live))
        told = tuple(f"the cluster does not have {path}, of which a part was changed" for path in lost)
        step = replace(step, item=patch, adapted=(*step.adapted, *told))
        if not patch:
            return replace(step, action=UNCHANGED)
        return replace(step, action=KEEP, why="it exists") if self.request.existing == "keep" else step

    def _typed(self, step: Step) -> Step:
        """With its resource, in the version that is served; refused if it cannot be written."""
        resource = self.resources.get(step.key[:2])
        if resource is None:
            return step.refused(
                f"the cluster has no {kind_text(step.key)}", "Install what defines it, or select other kinds."
            )
        why, next_step = self._obstacle(step)
        if why:
            return step.refused(why, next_step)
        version = step.item["apiVersion"]
        if (version, step.key.kind) in self.observed.gone:
            told = f"{version} is not served any more, and {resource.api_version} is used"
            item = {**step.item, "apiVersion": resource.api_version}
            return replace(step, item=item, resource=resource, adapted=(*step.adapted, told))
        return replace(step, resource=replace(resource, version=version.rpartition("/")[2]))

    def _obstacle(self, step: Step) -> tuple[str, str]:
        """Why it cannot be written now, and the next step: it, or its namespace, is being deleted."""
        key = step.key
        namespace = self.observed.live.get(Key(*NAMESPACE, "", key.namespace))
        if key.namespace and namespace is not None:
            why, next_step = namespace_obstacle(key.namespace, namespace, create=True)
            if why:
                return why, next_step
        if step.live is not None and _is_ending(step.live):
            where = f" -n {key.namespace}" if key.namespace else ""
            return "it is being deleted", f"Wait: kubectl wait --for=delete {kind_text(key).lower()}/{key.name}{where}"
        return "", ""


def _is_ending(item: Object) -> bool:
    return bool(item["metadata"].get("deletionTimestamp"))


def _resource(definition: Object) -> Resource:
    spec = definition["spec"]
    served = [version for version in spec["versions"] if version.get("served")] or spec["versions"]
    version = next((version for version in served if version.get("storage")), served[0])
    names = spec["names"]
    return Resource(spec["group"], version["name"], names["kind"], names["plural"], spec["scope"] == "Namespaced")
