# Copyright: kindlab.volumes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The action of storage_provisioner_info: the provisioners and storage classes of a cluster."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from ansible_collections.kindlab.volumes.plugins.module_utils._core.kube.objects import by_ref
from ansible_collections.kindlab.volumes.plugins.module_utils._core.options import API, ENGINE, check_absolute
from ansible_collections.kindlab.volumes.plugins.module_utils._core.outcome import Outcome
from ansible_collections.kindlab.volumes.plugins.module_utils._core.provisioner.report import (
    RESOURCES,
    provisioners,
    storage_classes,
)
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.command import Runner
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.identity.proof import open_proved
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.kube.client import Cluster, open_cluster

ARGUMENTS: dict[str, Any] = {**ENGINE, **API}


def run(
    options: Mapping[str, Any],
    _check_mode: bool,
    *,
    runner: Runner | None = None,
    connect: Callable[..., Cluster] = open_cluster,
) -> Outcome:
    """Read them; nothing is changed."""
    check_absolute(options, ARGUMENTS)
    proved = open_proved(options, runner, connect)
    state = by_ref(item for items in proved.cluster.lists(*RESOURCES) for item in items)
    facts = {"provisioners": provisioners(state), "storage_classes": storage_classes(state)}
    return Outcome(False, facts=facts, warnings=proved.warnings)
