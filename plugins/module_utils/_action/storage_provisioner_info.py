# Copyright: kindlab.volumes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The action of storage_provisioner_info: the provisioners and storage classes of a cluster."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from ansible_collections.kindlab.volumes.plugins.module_utils._core.kube.objects import by_ref
from ansible_collections.kindlab.volumes.plugins.module_utils._core.options import API, check_absolute
from ansible_collections.kindlab.volumes.plugins.module_utils._core.outcome import Outcome
from ansible_collections.kindlab.volumes.plugins.module_utils._core.provisioner.report import (
    RESOURCES,
    provisioners,
    storage_classes,
)
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.kube.client import Cluster, open_cluster

ARGUMENTS: dict[str, Any] = {**API}


def run(options: Mapping[str, Any], _check_mode: bool, *, connect: Callable[..., Cluster] = open_cluster) -> Outcome:
    """Read them; nothing is changed."""
    check_absolute(options, ARGUMENTS)
    cluster = connect(options["cluster"], options["kubeconfig"], options["context"])
    state = by_ref(item for items in cluster.lists(*RESOURCES) for item in items)
    return Outcome(False, facts={"provisioners": provisioners(state), "storage_classes": storage_classes(state)})
