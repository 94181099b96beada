# Copyright: kindlab.volumes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Action of volume_info: report volumes with their claims, pods and directories; nothing is written."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from ansible_collections.kindlab.volumes.plugins.module_utils._core.backup.places import elsewhere as outside
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kube.pods import pods_by_claim
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kube.volumes import read_volumes
from ansible_collections.kindlab.volumes.plugins.module_utils._core.options import (
    API,
    ENGINE,
    SELECTION,
    check_absolute,
)
from ansible_collections.kindlab.volumes.plugins.module_utils._core.outcome import Outcome
from ansible_collections.kindlab.volumes.plugins.module_utils._core.volumes.places import (
    used_directories,
    watched_places,
)
from ansible_collections.kindlab.volumes.plugins.module_utils._core.volumes.report import (
    describe,
    lost_claims,
    orphans,
    searched,
)
from ansible_collections.kindlab.volumes.plugins.module_utils._core.volumes.selection import Selection
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.command import Runner
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.detach.other_clusters import volumes_elsewhere
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.kube.client import open_cluster
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.observe import Connect, Observation, observe

ARGUMENTS: dict[str, Any] = {**ENGINE, **API, **SELECTION}

READ = ("PersistentVolume", "PersistentVolumeClaim", "Pod", "ConfigMap")


def run(
    options: Mapping[str, Any], _check_mode: bool, *, runner: Runner | None = None, connect: Connect = open_cluster
) -> Outcome:
    """The selected volumes, and orphan directories."""
    check_absolute(options, ARGUMENTS)
    selection = Selection.from_options(options)
    observed = observe(options, READ, runner=runner, connect=connect)
    pvs, claims, pods, config_maps = (observed.objects[kind] for kind in READ)
    volumes = read_volumes(pvs, claims)
    elsewhere = volumes_elsewhere(observed.engine, observed.sharing)
    selected = [volume for volume in volumes if selection.matches(volume)]
    watched, warnings = searched(watched_places(volumes, config_maps, observed.nodes), elsewhere)
    existing, unread = subdirectories(watched, observed)
    using = pods_by_claim(pods)
    by_name = {pv["metadata"]["name"]: pv for pv in pvs}
    used = used_directories(volumes, observed.nodes) | elsewhere.volumes.keys()
    return Outcome(
        changed=False,
        facts={
            "volumes": [
                describe(v, observed.nodes, using, by_name[v.name], elsewhere=bool(outside(v, by_name[v.name])))
                for v in selected
            ],
            "released": [volume.name for volume in selected if volume.phase == "Released"],
            "orphan_directories": orphans(watched, existing, used),
        },
        warnings=(*lost_claims(claims), *warnings, *unread),
    )


def subdirectories(paths: Iterable[str], observed: Observation) -> tuple[dict[str, list[str]], list[str]]:
    """Path -> names of the directories in it; and a warning for each path that this user cannot reach."""
    existing: dict[str, list[str]] = {}
    warnings = []
    for path in paths:
        try:
            existing[path] = [name for name, is_directory in observed.reach.listed(path) if is_directory]
        except FileNotFoundError:
            continue
        except OSError as error:
            warnings.append(f"{path} is not searched for orphan directories: {error.strerror}")
    return existing, warnings
