# Copyright: kindlab.volumes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The catalog of a new generation, from the plan and the checksum lists."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ansible_collections.kindlab.volumes.plugins.module_utils._core.data import checksums
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kube.volumes import Volume
from ansible_collections.kindlab.volumes.plugins.module_utils._core.refusals import Refusal, decline
from ansible_collections.kindlab.volumes.plugins.module_utils._core.text import count

from .catalog import Catalog, SavedArchive, SavedVolume, archive_path, file_stem
from .plan import Plan, original_policy


@dataclass(frozen=True)
class ChecksumList:
    """A volume's checksum list as text, which takes the least memory, and its summary.

    devices: the number of device nodes; the others as in SavedVolume.
    """

    text: str = ""
    digest: str = ""
    files: int = 0
    bytes: int = 0
    devices: int = 0

    @classmethod
    def from_entries(cls, entries: Sequence[checksums.Entry], mode: str) -> ChecksumList:
        """mode: full or fast."""
        text, digest = checksums.to_text(entries, mode)
        files, size = checksums.totals(entries)
        return cls(text, digest, files, size, sum(entry.type in ("char", "block") for entry in entries))


def draft(plan: Plan, lists: Mapping[str, ChecksumList], manifests: Mapping[str, str], created: str) -> Catalog:
    """The catalog, without the sizes and checksums of archives that are not written yet.

    lists: by volume's name. manifests: text by path in the generation. Raises Declined for archives with device nodes.
    """
    request = plan.request
    if request.archives:
        _refuse_devices(lists)
    return Catalog(
        created,
        plan.cluster,
        request.data,
        request.checksums,
        tuple(_volume(plan, volume, lists[volume.name]) for volume in plan.volumes),
        {path: hashlib.sha256(text.encode()).hexdigest() for path, text in manifests.items()},
    )


def _refuse_devices(lists: Mapping[str, ChecksumList]) -> None:
    names = sorted(name for name, checksum_list in lists.items() if checksum_list.devices)
    step = "Save these volumes with data=in_place, or leave them out."
    decline(
        f"{count(len(names), 'volume')} cannot be saved in an archive",
        [Refusal(name, "it contains device nodes, which are never extracted", step) for name in names],
    )


def _volume(plan: Plan, volume: Volume, checksum_list: ChecksumList) -> SavedVolume:
    compression = plan.request.compression
    archive = (
        SavedArchive(archive_path(volume.name, compression), "", 0, compression) if plan.request.archives else None
    )
    return SavedVolume(
        name=volume.name,
        claim=volume.claim,
        storage_class=volume.storage_class,
        capacity=volume.capacity,
        access_modes=volume.access_modes,
        reclaim_policy=original_policy(volume),
        nodes=volume.nodes,
        node_directory=volume.node_directory,
        host_directory=plan.places[volume.name].host_directory,
        files=checksum_list.files,
        bytes=checksum_list.bytes,
        digest=checksum_list.digest,
        checksum_list=f"checksums/{file_stem(volume.name)}.jsonl" if checksum_list.digest else "",
        archive=archive,
    )
