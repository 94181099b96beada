# Copyright: kindlab.volumes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Whether a backup holds volumes as they are now: their manifests and claims, and data that nobody changed since."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from ansible_collections.kindlab.volumes.plugins.module_utils._core.catalog import Catalog
from ansible_collections.kindlab.volumes.plugins.module_utils._core.checksums import Difference
from ansible_collections.kindlab.volumes.plugins.module_utils._core.local_data_objects import LABEL
from ansible_collections.kindlab.volumes.plugins.module_utils._core.manifest import Object
from ansible_collections.kindlab.volumes.plugins.module_utils._core.restore_data import difference_text
from ansible_collections.kindlab.volumes.plugins.module_utils._core.restore_refusal import differences
from ansible_collections.kindlab.volumes.plugins.module_utils._core.volume import Volume, claim_name

NONE_NAMED = "no backup is named that holds it"


def needing_backup(volumes: Iterable[Volume], persistent_volumes: Iterable[Object]) -> tuple[Volume, ...]:
    """Those that only a backup brings back; what local_data made is made again by it, from the host's own data."""
    given = {pv["metadata"]["name"] for pv in persistent_volumes if LABEL in (pv["metadata"].get("labels") or {})}
    return tuple(v for v in volumes if v.node_directory and v.name not in given)


def unsaved(
    volumes: Iterable[Volume],
    now: tuple[Iterable[Object], Iterable[Object]],
    catalog: Catalog,
    saved: tuple[Iterable[Object], Iterable[Object]],
    changed: Mapping[str, Difference],
) -> dict[str, str]:
    """Volume's name -> why its backup does not do, for those where this is so.

    now, saved: PersistentVolumes and claims of the cluster, and of the backup. changed: by volume's name, how its data
    differs from its checksum list.
    """
    pvs = {pv["metadata"]["name"]: pv for pv in now[0]}
    claims = {claim_name(claim) for claim in now[1]}
    saved_pvs = {pv["metadata"]["name"]: pv for pv in saved[0]}
    saved_claims = {claim_name(claim) for claim in saved[1]}
    listed = {volume.name: volume for volume in catalog.volumes}
    found = {}
    for volume in volumes:
        why = ""
        if volume.name not in listed or volume.name not in saved_pvs:
            why = "it is not in the backup"
        elif not listed[volume.name].checksum_list:
            why = "the backup has no checksums of it"
        elif volume.claim in claims and (volume.claim not in saved_claims or listed[volume.name].claim != volume.claim):
            why = f"the backup has not its claim {volume.claim}"
        elif other := differences(pvs[volume.name], saved_pvs[volume.name]):
            why = f"it is not as it was saved: {'; '.join(other)}"
        elif changed.get(volume.name):
            why = f"its data was changed since it was saved: {difference_text(changed[volume.name])}"
        if why:
            found[volume.name] = why
    return found
