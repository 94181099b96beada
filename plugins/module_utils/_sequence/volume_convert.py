# Copyright: kindlab.volumes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""volume_convert: make volumes hostPath or local, of one node or of all, or of another provisioner."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible_collections.kindlab.volumes.plugins.module_utils._core.options import (
    API,
    ENGINE,
    SELECTION,
    check_absolute,
)
from ansible_collections.kindlab.volumes.plugins.module_utils._core.outcome import Outcome
from ansible_collections.kindlab.volumes.plugins.module_utils._core.transfer.moves.converting import Request
from ansible_collections.kindlab.volumes.plugins.module_utils._core.transfer.moves.relocation import CONVERT
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.command import Runner
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.kube.client import open_cluster
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.observe import Connect

from . import relocation, stopping

ARGUMENTS: dict[str, Any] = {
    **ENGINE,
    **API,
    **SELECTION,
    "source": {"type": "str", "choices": ["hostPath", "local"]},
    "affinity": {"type": "str", "choices": ["node", "shared"]},
    "node": {"type": "str"},
    "to_storage_class": {"type": "str"},
    "verify": {"type": "str", "choices": ["full", "fast", "none"], "default": "fast"},
    "wait_timeout": {"type": "int", "default": 300},
}
OTHERS = {**stopping.OTHERS, "storage_class": "to_storage_class"}


def run(
    options: Mapping[str, Any], check_mode: bool, *, runner: Runner | None = None, connect: Connect = open_cluster
) -> Outcome:
    """A second run changes nothing."""
    check_absolute(options, ARGUMENTS)
    outside = {"runner": runner, "connect": connect}
    return relocation.run(CONVERT, Request.from_options(options), options, check_mode, outside)
