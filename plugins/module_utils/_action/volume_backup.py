# Copyright: kindlab.volumes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Saves volumes: reclaim policy Retain first, then checksums, archives and manifests, visible as one generation."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from ansible_collections.kindlab.volumes.plugins.module_utils._core.backup.catalog import (
    CATALOG,
    Catalog,
    generation_name,
    generation_number,
    same_content,
)
from ansible_collections.kindlab.volumes.plugins.module_utils._core.backup.draft import Modes, draft
from ansible_collections.kindlab.volumes.plugins.module_utils._core.backup.plan import Plan, Request, plan
from ansible_collections.kindlab.volumes.plugins.module_utils._core.backup.report import (
    before_after,
    lines,
    warnings,
)
from ansible_collections.kindlab.volumes.plugins.module_utils._core.errors import BadInput
from ansible_collections.kindlab.volumes.plugins.module_utils._core.options import API, ENGINE, SELECTION
from ansible_collections.kindlab.volumes.plugins.module_utils._core.outcome import Outcome
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.backup import data as backup_data
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.backup.observe import observe
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.backup.reader import (
    GENERATIONS,
    MANIFESTS,
    Stored,
    read_stored,
)
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.backup.writer import (
    Writer,
    check_place,
    locked,
    remove_generations,
)
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.command import Runner
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.data.archive import check_programs
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.data.node_directory import (
    check_readable as check_in_nodes,
)
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.data.node_directory import node_directories
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.data.scan import check_readable
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.engine import find_engine
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.kube import manifests as manifest_text
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.kube.client import Cluster, open_cluster

ARGUMENTS: dict[str, Any] = {
    **ENGINE,
    **API,
    **SELECTION,
    "path": {"type": "path", "required": True},
    "label_selector": {"type": "str"},
    "data": {"type": "str", "choices": ["in_place", "archive"], "default": "in_place"},
    "compression": {"type": "str", "choices": ["zstd", "gzip"], "default": "zstd"},
    "compression_level": {"type": "int"},
    "checksums": {"type": "str", "choices": ["full", "fast", "none"], "default": "full"},
    "without_api": {"type": "str", "choices": ["refuse", "last_backup"], "default": "refuse"},
    "keep": {"type": "int", "default": 0},
}


@dataclass
class Seconds:
    """How long each phase took."""

    phases: dict[str, float] = field(
        default_factory=lambda: {"observe": 0.0, "checksum": 0.0, "archive": 0.0, "write": 0.0}
    )

    @contextmanager
    def of(self, phase: str) -> Iterator[None]:
        start = time.monotonic()
        yield
        self.phases[phase] = round(time.monotonic() - start, 3)


@dataclass(frozen=True)
class Saved:
    """How it ended. name, catalog: of the generation that holds the volumes now; new: it was not there before.

    stored: the directory as it was; outdated: the generations that are removed.
    """

    name: str
    catalog: Catalog
    new: bool
    stored: Stored
    outdated: Sequence[str]

    @property
    def generations(self) -> list[str]:
        names = [*self.stored.names, *([self.name] if self.new else [])]
        return [name for name in names if name not in self.outdated]


def run(
    options: Mapping[str, Any],
    check_mode: bool,
    *,
    runner: Runner | None = None,
    connect: Callable[..., Cluster] = open_cluster,
    now: Callable[[], datetime] = lambda: datetime.now(timezone.utc),
) -> Outcome:
    """A generation with these volumes; none where the newest holds the same already."""
    check_options(options)
    seconds = Seconds()
    path = str(Path(options["path"]).absolute())
    with seconds.of("observe"):
        engine = find_engine(options["engine"], runner or Runner())
        cluster, observed, unknown = observe(options, path, engine, connect)
        found = plan(_request(options, path), observed)
        check_place(path)
        if options["checksums"] != "none":
            check_readable(found.host_directories)
        in_nodes = node_directories(engine, found.in_nodes)
        check_in_nodes(in_nodes)
    if not found.volumes:
        return Outcome(False, facts={"volumes": []}, warnings=(f"{options['cluster']} has no volumes to save.",))
    created = f"{now():%Y-%m-%dT%H:%M:%SZ}"
    with nullcontext() if check_mode else locked(path):
        stored = read_stored(path)
        if cluster is not None and not check_mode:
            cluster.each(lambda item: cluster.patch("PersistentVolume", *item), found.retain.items())
        sources: dict[str, backup_data.Source] = {**found.host_directories, **in_nodes}
        saved = save(options, path, found, sources, stored, created, seconds, check_mode=check_mode)
    return _outcome(path, options, found, saved, seconds, unknown)


def save(
    options: Mapping[str, Any],
    path: str,
    found: Plan,
    sources: Mapping[str, backup_data.Source],
    stored: Stored,
    created: str,
    seconds: Seconds,
    *,
    check_mode: bool,
) -> Saved:
    """Read the data, and write a generation unless the newest one is equal; remove the outdated ones."""
    modes = Modes(options["data"], options["checksums"], options["compression"], options["compression_level"])
    with seconds.of("checksum"):
        lists = backup_data.read_lists(sources, modes.checksums)
    if modes.archives:
        backup_data.refuse_devices(lists)
    texts = {MANIFESTS[kind]: manifest_text.to_text(items) for kind, items in found.objects.items() if items}
    final = draft(modes, found.cluster, found.volumes, found.host_directories, lists, texts, created)
    new = stored.newest is None or not same_content(final, stored.newest.catalog)
    if stored.newest and not new:
        final, name = stored.newest.catalog, stored.newest.name
    elif check_mode:
        name = generation_name(_last(stored.names) + 1, created)
    else:
        with Writer(path, backup_data.needed_bytes(texts, lists, modes)) as writer:
            archives = {}
            if modes.archives:
                with seconds.of("archive"):
                    archives = backup_data.archives(writer, sources, lists, modes)
            with seconds.of("write"):
                backup_data.write_files(writer, texts, lists, final)
                final = backup_data.completed(writer, final, archives)
                name = writer.publish(final)
    names = [*stored.names, *([name] if new else [])]
    outdated = names[: -options["keep"]] if options["keep"] else []
    if not check_mode:
        remove_generations(path, outdated)
    return Saved(name, final, new, stored, outdated)


def check_options(options: Mapping[str, Any]) -> None:
    """Raise BadInput for options that can't be together, or programs that are missing."""
    if options["data"] == "archive":
        if options["checksums"] == "none":
            raise BadInput(
                "Archives need checksums, which tell whether the data changed and prove what was extracted.",
                next_step="Set checksums: full, or fast.",
            )
        check_programs(options["compression"], options["compression_level"])
    if options["keep"] < 0:
        raise BadInput(f"keep is {options['keep']}.", next_step="Name a number of generations; 0 keeps all.")


def _outcome(
    path: str, options: Mapping[str, Any], found: Plan, saved: Saved, seconds: Seconds, unknown: tuple[str, ...]
) -> Outcome:
    newest = saved.stored.newest.catalog if saved.stored.newest else None
    directory = Path(path) / GENERATIONS / saved.name
    before, after = before_after(found, newest, saved.catalog, saved.stored.names, saved.generations)
    return Outcome(
        changed=bool(found.retain or saved.new or saved.outdated),
        before=before,
        after=after,
        facts={
            "generation": saved.name,
            # Not 'path': Ansible adds owner, mode and size to a result with that name.
            "directory": str(directory),
            "catalog": str(directory / CATALOG),
            "removed_generations": list(saved.outdated),
            "volumes": lines(found, saved.catalog),
            "seconds": seconds.phases,
        },
        warnings=(*unknown, *warnings(found, options["checksums"], saved.stored.why)),
    )


def _request(options: Mapping[str, Any], path: str) -> Request:
    return Request(
        cluster=options["cluster"],
        path=path,
        names=options["names"] or (),
        namespaces=options["namespaces"] or (),
        storage_classes=options["storage_classes"] or (),
        label_selector=options["label_selector"] or "",
        archives=options["data"] == "archive",
    )


def _last(names: Sequence[str]) -> int:
    return max((generation_number(name) or 0 for name in names), default=0)
