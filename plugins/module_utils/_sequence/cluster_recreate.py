# Copyright: kindlab.volumes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""cluster_recreate: detach, save, delete, create, restore, compare, attach; goes on where an earlier run was ended."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Mapping
from contextlib import nullcontext, suppress
from pathlib import Path
from typing import Any

from ansible_collections.kindlab.volumes.plugins.module_utils._action import (
    kind_cluster,
    kind_cluster_info,
    storage_provisioner,
    storage_provisioner_info,
    volume_backup,
    volume_detach,
    volume_restore,
)
from ansible_collections.kindlab.volumes.plugins.module_utils._core.backup.catalog import GENERATIONS, generation_number
from ansible_collections.kindlab.volumes.plugins.module_utils._core.clock import Stopwatch
from ansible_collections.kindlab.volumes.plugins.module_utils._core.engines import ENGINES
from ansible_collections.kindlab.volumes.plugins.module_utils._core.errors import (
    BadInput,
    Declined,
    KindlabError,
    TimedOut,
    Unreachable,
)
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kind.nodes import LOAD_BALANCER
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kube.binding import policy_change
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kube.volumes import read_volumes
from ansible_collections.kindlab.volumes.plugins.module_utils._core.options import CLUSTER, ENGINE
from ansible_collections.kindlab.volumes.plugins.module_utils._core.outcome import Outcome
from ansible_collections.kindlab.volumes.plugins.module_utils._core.recreate.journal import GIVEN_BACK, Begun, last
from ansible_collections.kindlab.volumes.plugins.module_utils._core.recreate.options import Asked
from ansible_collections.kindlab.volumes.plugins.module_utils._core.recreate.report import (
    checksum_seconds,
    others_classes,
    plan_lines,
    results,
)
from ansible_collections.kindlab.volumes.plugins.module_utils._core.recreate.resume import (
    CREATE,
    DELETE,
    SALVAGE,
    SAVE,
    from_backup,
    is_gone,
    is_whole,
    shape,
    storage_options,
    was_running,
    where,
)
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.backup.reader import generations, read_backup
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.command import Runner
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.engine import find_engine
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.kube.client import open_cluster
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.recreate.journal import Journal
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.recreate.preflight import check_disk, check_images
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.removal import changes

ARGUMENTS: dict[str, Any] = {
    **ENGINE,
    **CLUSTER,
    "path": {"type": "path", "required": True},
    "kubeconfig": {"type": "path"},
    "kind": {"type": "path"},
    "data": {"type": "str", "choices": ["in_place", "archive"], "default": "in_place"},
    "checksums": {"type": "str", "choices": ["full", "fast"], "default": "full"},
    "keep": {"type": "int", "default": 0},
    "reclaim_policy": {"type": "str", "choices": ["original", "keep"], "default": "original"},
    "options": {"type": "dict", "default": {}},
    "unmanaged": {"type": "str", "choices": ["refuse", "delete"], "default": "refuse"},
    "without_api": {"type": "str", "choices": ["refuse", "last_backup"], "default": "refuse"},
    "attach": {"type": "bool", "default": True},
    "timeout": {"type": "int", "default": 300},
}

Facts = dict[str, Any]

_SALVAGING = {"without_api": "last_backup"}


def run(options: Mapping[str, Any], check_mode: bool) -> Outcome:
    """The cluster made anew with its volumes; in check mode the whole plan."""
    recreation = Recreation(options)
    with nullcontext() if check_mode else recreation.journal.held():
        recreation.look()
        if recreation.place == SAVE:
            recreation.plan()
        elif recreation.place == SALVAGE:
            recreation.plan_salvage()
        if not check_mode:
            recreation.carry_out()
    return recreation.outcome()


class Recreation:
    """One recreation. facts: all that the next cluster is made from; done: what each step returned."""

    def __init__(self, options: Mapping[str, Any]) -> None:
        self.options = options
        self.name: str = options["cluster"]
        self.path = os.path.abspath(options["path"])
        self.journal = Journal(self.path)
        self.watch = Stopwatch()
        self.place = ""
        # Whether there is no cluster; whether the journal says nothing yet of the one that is made.
        self.gone = self.anew = False
        self.begun = Begun()
        self.facts: Facts = {}
        self.done: Facts = {}
        self.warnings: list[str] = []
        self.asked = Asked(options, self.path)
        self.engine = find_engine(options["engine"], Runner())

    def look(self) -> None:
        """See what is there, and where to go on."""
        self.begun = last(self.journal.lines())
        cluster = self._cluster()
        engine = self.engine.name
        # Of a whole cluster a new one is made, whatever the last one is like.
        last_backup = {} if is_whole(cluster) else self._last_backup(engine)
        salvage = bool(last_backup) and self.options["without_api"] == "last_backup"
        self.place = where(
            self.name, engine, self.begun, cluster, str(self.journal.path), saved=bool(last_backup), salvage=salvage
        )
        self.facts = dict(self.begun.facts)
        self.gone = self.place == CREATE and is_gone(cluster)
        self.anew = self.place == SALVAGE or (self.gone and "saved" not in self.begun.steps and bool(last_backup))
        if self.anew:
            options = shape(self.name, self.options["options"] or {}, last_backup["options"])
            self.facts = {**last_backup, "options": options}
        if cluster is None:
            self._refuse_others(engine)
        if self.gone:
            self.facts["generation"] = self._newest()
            if self.begun.ended and self.facts["generation"]:
                self.warnings.append(
                    "The cluster is gone. Its volumes come back as the generation "
                    f"{self.facts['generation']} holds them; what was written since is not in it."
                )
        if self.place == SAVE and cluster is not None:
            self.facts = {
                "cluster": self.name,
                "engine": engine,
                "kubernetes_version": cluster["kubernetes_version"],
                "nodes": [node["name"] for node in cluster["nodes"]],
                "images": sorted({n["image"] for n in cluster["nodes"] if n["role"] != LOAD_BALANCER}),
                "options": shape(self.name, self.options["options"] or {}, cluster["options"]),
            }
        self.watch.lap("look")

    def plan(self) -> None:
        """Find out, before anything is changed, whether every step can be done. Raises what they raise."""
        kind_cluster.run(self.asked.cluster(**self.facts["options"]), True)
        storage = storage_provisioner_info.run(self.asked.common, True)
        self.facts["storage_classes"] = storage.facts["storage_classes"]
        detached = volume_detach.run(self.asked.detach("detached"), True).facts
        held = [volume for volume in detached["volumes"] if volume["held_by"]]
        if held:
            raise TimedOut(
                f"{len(held)} volume(s) would not be free: "
                + "; ".join(f"{v['name']}: {v['held_by'][0]['text']}" for v in held[:10])
                + ". Nothing was changed.",
                next_step="End what holds them, then run this again.",
                details=held,
            )
        fast = "fast" if self.options["data"] == "archive" else "none"
        planned = volume_backup.run(self.asked.backup(checksums=fast), True).facts
        self.facts["volumes"] = planned["volumes"]
        self.done = {"detached": detached, "saved": planned}
        check_images(self.engine, self.facts["images"])
        check_disk(self.path, self.facts["volumes"] if self.options["data"] == "archive" else ())
        self.watch.lap("plan")

    def plan_salvage(self) -> None:
        """The same where the API server is silent: the last backup and the directories of the host have to do."""
        with suppress(Unreachable):
            open_cluster(self.name, self.options["kubeconfig"]).version()
            raise Declined(
                f"The API server of {self.name} answers again. Nothing was changed.",
                next_step="Run this again: without a look at its last backup.",
            )
        planned = volume_backup.run(self.asked.backup(checksums="none", data="in_place", **_SALVAGING), True)
        self.warnings += planned.warnings
        self.facts["volumes"] = planned.facts["volumes"]
        check_images(self.engine, self.facts["images"])
        self.watch.lap("plan")

    def carry_out(self) -> None:
        """Every step that is left, each written down as soon as it is finished."""
        if self.place == SAVE:
            self.journal.add("planned", **self.facts)
            try:
                self._save()
            except KindlabError as error:
                self._give_up(error)
                raise
        elif self.anew:
            self.journal.add("planned", **self.facts)
        if self.place == SALVAGE:
            self._salvage()
        if self.place in (SAVE, SALVAGE, DELETE):
            self._delete()
        if self.gone:
            # Told anew, with what comes back: an earlier run may have ended, and the cluster have been used, since.
            self.journal.add("deleted", generation=self.facts["generation"])
        self.begun = last(self.journal.lines())
        self._create()

    def _cluster(self) -> Facts | None:
        """The cluster as kind_cluster_info describes it."""
        found = kind_cluster_info.run(self.asked.cluster(), True).facts["clusters"]
        return dict(found[0]) if found else None

    def _refuse_others(self, engine: str) -> None:
        """Raise BadInput where another engine has the cluster: two of them would have the same directories."""
        for other in ENGINES:
            if other != engine and shutil.which(other) and self._has_nodes(other):
                raise BadInput(
                    f"{other} has nodes of the cluster {self.name}, and {engine} has none. Nothing was changed.",
                    next_step=f"Set engine: {other}.",
                )

    def _has_nodes(self, engine: str) -> bool:
        try:
            return bool(find_engine(engine, Runner()).nodes(self.name))
        except KindlabError:
            return False

    def _newest(self) -> str:
        """The generation of a cluster that is gone: the one of its recreation, or what was saved of it since."""
        recorded = self.facts.get("generation") or ""
        names = generations(self.path) if (Path(self.path) / GENERATIONS).is_dir() else []
        for name in reversed(names):
            if (generation_number(name) or 0) <= (generation_number(recorded) or 0):
                break
            catalog = read_backup(self.path, name).catalog
            if catalog.cluster.name == self.name:
                lacking = {v["name"] for v in self.facts.get("volumes", ())} - {v.name for v in catalog.volumes}
                if lacking:
                    self.warnings.append(
                        f"The generation {name} was saved after the recreation and is restored. It does not hold "
                        f"{', '.join(sorted(lacking)[:10])}, which {recorded} does."
                    )
                return name
        return recorded

    def _save(self) -> None:
        self._step("detached", volume_detach.run, self.asked.detach("detached"))
        saved = self._step("saved", volume_backup.run, self.asked.backup(), ("generation",))
        self.facts |= {"generation": saved.get("generation", ""), "volumes": saved["volumes"]}

    def _salvage(self) -> None:
        """Stop the nodes, so that nothing writes any more, and save the data of the last backup's volumes."""
        engine = self.engine
        nodes = engine.nodes(self.name)
        engine.stop(nodes)
        try:
            self._written("detached")
            saved = self._step("saved", volume_backup.run, self.asked.backup(**_SALVAGING), ("generation",))
        except KindlabError as error:
            engine.start([node for node in engine.nodes(self.name) if was_running(node, nodes)])
            error.message = f"{error.message} The cluster was not deleted, and its nodes were started again."
            raise
        self.facts |= {"generation": saved.get("generation", ""), "volumes": saved["volumes"]}

    def _last_backup(self, engine: str) -> Facts:
        """All that the newest backup says of this cluster; {} where there is none, or it is another's."""
        if not (Path(self.path) / GENERATIONS).is_dir() or not generations(self.path):
            return {}
        backup = read_backup(self.path)
        described = backup.objects("Cluster")
        if backup.catalog.cluster.name != self.name or not described:
            return {}
        return from_backup(backup.catalog, described[0], backup.name, engine)

    def _give_up(self, error: KindlabError) -> None:
        """Give everything back what it had, as nothing was deleted, and let the error say so."""
        deleted = self.done["detached"].get("deleted_pods")
        try:
            volume_detach.run(self.asked.detach("attached"), False)
            said = "The cluster was not deleted, and what used the volumes was then given back what it had."
            with suppress(KindlabError):
                self.journal.add(GIVEN_BACK)
        except KindlabError as other:
            said = f"The cluster was not deleted. What used the volumes is at zero ({other.message})."
        try:
            self._give_policies_back()
        except KindlabError as other:
            said += f" Volumes that were not Retain may be so now ({other.message})."
        if deleted:
            said += f" Nothing makes these pods again: {', '.join(deleted)}."
        error.message = f"{error.message} {said}"

    def _give_policies_back(self) -> None:
        """The reclaim policies that the backup has made Retain."""
        before = {v["name"]: v["reclaim_policy_before"] for v in self.facts.get("volumes", ())}
        cluster = open_cluster(self.name, self.options["kubeconfig"])
        changed = [name for name, policy in before.items() if policy != "Retain"]
        cluster.each(lambda name: cluster.patch("PersistentVolume", name, policy_change(before[name])), changed)

    def _delete(self) -> None:
        options = self.asked.cluster(state="absent")
        if self.facts.get("generation"):
            options["backup"] = self.path
        # An API server that is silent can't be asked; its nodes are stopped, and hold nothing.
        options["force"] = self.place == SALVAGE
        try:
            self.journal.add("deleting")
            # Never forced: what an interrupted deletion has left is known as such, unless it can still be asked.
            self._step("deleted", kind_cluster.run, options)
        except KindlabError as error:
            if self.place == SAVE and self._is_untouched():
                self._give_up(error)
            raise

    def _is_untouched(self) -> bool:
        try:
            return is_whole(self._cluster())
        except KindlabError:
            return False

    def _create(self) -> None:
        self._step("created", kind_cluster.run, self.asked.cluster(**self.facts["options"]))
        made, _others = storage_options(self.facts["storage_classes"])
        for wanted in made or [{"state": "absent"}]:
            storage_provisioner.run(self.asked.storage(wanted), False)
        self.done["classes"] = storage_provisioner_info.run(self.asked.common, True).facts["storage_classes"]
        self._written("provisioned")
        generation = self.facts.get("generation")
        if generation:
            self._step("restored", volume_restore.run, self.asked.restore(generation))
            # Once it was verified, pods may have begun to write.
            if "verified" not in self.begun.steps:
                self._verify(generation)
            if self.options["attach"]:
                attaching = self.asked.detach("attached", path=self.path, generation=generation)
                self._step("attached", volume_detach.run, attaching)
        self._written("done")

    def _verify(self, generation: str) -> None:
        """Compare once more what the pods will find. Raises KindlabError, with the files, where it differs."""
        cluster = open_cluster(self.name, self.options["kubeconfig"])
        volumes = read_volumes(*cluster.lists("PersistentVolume", "PersistentVolumeClaim"))
        backup = read_backup(self.path, generation)
        nodes = self.engine.nodes(self.name)
        differences = {name: found for name, found in changes(backup, volumes, nodes, self.engine).items() if found}
        if differences:
            raise KindlabError(
                "The restored data is not what was saved: "
                + "; ".join(f"{name}: {found.text()}" for name, found in list(differences.items())[:10]),
                next_step="See who writes to it; this goes on when run again. To take the data as it is, give back "
                f"what used it (kindlab.volumes.volume_detach: state=attached, path={self.path}), and move "
                f"{self.journal.path} away.",
                details=[{"volume": name, **found.as_dict()} for name, found in differences.items()],
            )
        self._written("verified")

    def _written(self, step: str, **facts: Any) -> None:
        self.journal.add(step, **facts)
        self.watch.lap(step)

    def _step(
        self, step: str, action: Callable[..., Outcome], options: Mapping[str, Any], kept: tuple[str, ...] = ()
    ) -> Facts:
        outcome = action(options, False)
        self.warnings += [warning for warning in outcome.warnings if warning not in self.warnings]
        found = self.done[step] = dict(outcome.facts)
        self._written(step, **{name: outcome.facts[name] for name in kept if name in outcome.facts})
        return found

    def outcome(self) -> Outcome:
        """What the module returns."""
        resumed = self.place in (DELETE, CREATE) and not self.anew
        told = {"begins_with": self.place, "resumed": resumed, "journal": str(self.journal.path)}
        seconds = {**self.watch.seconds, "checksums": checksum_seconds(self.done)}
        plan = plan_lines(self.place, self.facts, self.done, self.options["data"])
        facts = {**told, "plan": plan, **results(self.facts, self.done), "seconds": seconds}
        warnings = (*self.warnings, *others_classes(self.facts["storage_classes"]))
        return Outcome(True, {"cluster": "as it was"}, {"cluster": "made anew", "plan": plan}, facts, warnings)
