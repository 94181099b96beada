# Copyright: kindlab.volumes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What a recreation's errors call the options of the actions it runs."""

from __future__ import annotations

from ansible_collections.kindlab.volumes.plugins.module_utils._action import (
    kind_cluster,
    object_restore,
    storage_provisioner,
    volume_backup,
    volume_detach,
    volume_restore,
)
from ansible_collections.kindlab.volumes.plugins.module_utils._core.recreate.requested import NOT_DESCRIBED

_ACTIONS = (object_restore, storage_provisioner, volume_backup, volume_detach, volume_restore)
# Those of kind_cluster are given in an option of this module, '' is none at all.
OTHERS: dict[str, str] = {
    **{name: "" for action in _ACTIONS for name in action.ARGUMENTS},
    **{name: f"options.{name}" for name in kind_cluster.ARGUMENTS},
    **dict.fromkeys(NOT_DESCRIBED, ""),
}
