# Copyright: kindlab.volumes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Documentation fragment: attributes and options of every module. PRIVATE to the collection."""

from __future__ import annotations


class ModuleDocFragment:
    DOCUMENTATION = r"""
options:
  variables:
    description: What error messages call the options. The roles of this collection set it to their variables.
    type: dict
    suboptions:
      prefix:
        description: What the name of an option's variable begins with.
        type: str
        required: true
      names:
        description: Other names of variables, by option.
        type: dict
        default: {}
attributes:
  check_mode:
    description: Can run in C(check_mode) and return changed status prediction without modifying target.
    support: full
  diff_mode:
    description: Returns details on what has changed (or needs changing in C(check_mode)) when in diff mode.
    support: full
  idempotent:
    description: When run twice in a row with the same options, the second run does not change anything.
    support: full
"""
