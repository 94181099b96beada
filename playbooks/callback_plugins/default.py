# Copyright: kindlab.volumes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The callback plugin kindlab.volumes.brief, which takes the place of `default` in playbooks beside it.

Ansible looks for a plugin without a collection in its name here first: who wants the other one, names it in full.
"""

from __future__ import annotations

from ansible_collections.kindlab.volumes.plugins.callback.brief import DOCUMENTATION, CallbackModule

__all__ = ["DOCUMENTATION", "CallbackModule"]
