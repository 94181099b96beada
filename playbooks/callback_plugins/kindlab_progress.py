# Copyright: kindlab.volumes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The callback plugin kindlab.volumes.progress, which Ansible loads here with each playbook beside it."""

from __future__ import annotations

from typing import Any

from ansible import constants

from ansible_collections.kindlab.volumes.plugins.callback import progress

# Ansible reads the options of a plugin from its own file.
DOCUMENTATION = progress.DOCUMENTATION.replace("name: progress", "name: kindlab_progress")


class CallbackModule(progress.CallbackModule):
    """Disabled where the configuration enables the same plugin by its full name."""

    CALLBACK_NAME = "kindlab_progress"
    CALLBACK_NEEDS_ENABLED = False

    def set_options(self, task_keys: Any = None, var_options: Any = None, direct: Any = None) -> None:
        super().set_options(task_keys=task_keys, var_options=var_options, direct=direct)
        self.disabled = self.disabled or progress.CallbackModule.CALLBACK_NAME in constants.CALLBACKS_ENABLED
