# Copyright: kindlab.volumes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The catalog of a new generation, from the plan and the checksum lists."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import replace

from ansible_collections.kindlab.volumes.plugins.module_utils._core.data.checksum_list import ChecksumList
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kube.volumes import Volume
from ansible_collections.kindlab.volumes.plugins.module_utils._core.refusals import Refusal, decline
from ansible_collections.kindlab.volumes.plugins.module_utils._core.text import count

from .catalog import (
    ELSEWHERE,
    HOST,
    NODE,
    NOTHING,
    Catalog,
    SavedArchive,
    SavedVolume,
    archive_path,
    file_stem,
)
from .objects.counted import counted
from .places import Look
from .plan import Plan, original_policy


def draft(plan: Plan, lists: Mapping[str, ChecksumList], manifests: Mapping[str, str], created: str) -> Catalog:
    """The catalog, without the sizes and checksums of archives that are not written yet.

    lists: by the names of volumes whose data was read. manifests: text by path in the generation, of objects too.
    Raises Declined for archives with device nodes.
    """
    request = plan.request
    if request.archives:
        _refuse_devices(lists)
    return Catalog(
        created,
        plan.cluster,
        request.data,
        request.checksums,
        tuple(_volume(plan, volume, lists.get(volume.name)) for volume in plan.volumes),
        {path: hashlib.sha256(text.encode()).hexdigest() for path, text in manifests.items()},
        objects=counted(plan.objects) if plan.objects else None,
    )


def check_room(plan: Plan, looks: Mapping[str, Look], newest: Catalog | None, free: int) -> None:
    """Raise Declined if archives need more than the disk has free, in bytes; not if all are likely to be there already.

    newest: the catalog of the newest generation. What its archives were compressed to is expected again.
    """
    before = {v.name: v for v in newest.volumes if v.archive} if newest else {}
    needed = sum(_expected(looks[name].bytes, before.get(name), plan.request.compression) for name in plan.places)
    if needed > free:
        path = plan.request.path
        decline(
            "There is not enough room for the archives",
            [Refusal(path, f"its disk has {free:,} bytes free, and up to {needed:,} are needed")],
            f"Free some space (df -h {path}), set path to a larger disk, or leave volumes out (names).",
        )


def _expected(size: int, before: SavedVolume | None, compression: str) -> int:
    """The bytes of an archive, with a tenth for what compresses less well."""
    if before is None or before.archive is None or before.archive.compression != compression or not before.bytes:
        return size
    return min(size, before.archive.bytes * size * 11 // (before.bytes * 10))


def _refuse_devices(lists: Mapping[str, ChecksumList]) -> None:
    names = sorted(name for name, checksum_list in lists.items() if checksum_list.devices)
    step = "Save these volumes with data=in_place, or leave them out."
    decline(
        f"{count(len(names), 'volume')} cannot be saved in an archive",
        [Refusal(name, "it contains device nodes, which are never extracted", step) for name in names],
    )


def _volume(plan: Plan, volume: Volume, listed: ChecksumList | None) -> SavedVolume:
    place = plan.places.get(volume.name)
    saved = SavedVolume(
        name=volume.name,
        claim=volume.claim,
        phase=volume.phase,
        storage_class=volume.storage_class,
        capacity=volume.capacity,
        access_modes=volume.access_modes,
        reclaim_policy=original_policy(volume),
        nodes=volume.nodes,
        data=ELSEWHERE if volume.name in plan.elsewhere else NOTHING,
        source=plan.elsewhere.get(volume.name, ""),
        node_directory=volume.node_directory,
    )
    if place is None or listed is None:
        return saved
    how = plan.request.compression
    return replace(
        saved,
        data=NODE if place.node else HOST,
        host_directory=place.host_directory,
        files=listed.files,
        bytes=listed.bytes,
        consistent=listed.consistent,
        digest=listed.digest,
        checksum_list=f"checksums/{file_stem(volume.name)}.jsonl" if listed.digest else "",
        archive=SavedArchive(archive_path(volume.name, how), "", 0, how) if plan.request.archives else None,
    )
