# Copyright: kindlab.volumes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Filter: validate the clusters of a lab. PRIVATE to the collection."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ansible_collections.kindlab.volumes.plugins.module_utils._core.provision import lab_problems

DOCUMENTATION = r"""
name: _lab_problems
short_description: Validate the clusters of a lab
version_added: 0.1.0
author: kindlab.volumes contributors (@kindlab)
description:
  - This filter is private to the collection. It may change or be removed in any release.
  - Validates the clusters of the role P(kindlab.volumes.provision#role), each one as the modules do and all of them
    together, without accessing the machine.
options:
  _input:
    description: Clusters of one machine, in the format of C(provision_clusters).
    type: list
    elements: dict
    required: true
  state:
    description: State of clusters that do not set one.
    type: str
    choices: [present, absent]
    default: present
"""

EXAMPLES = r"""
- name: Assert that the lab is valid
  ansible.builtin.assert:
    that: problems == []
    fail_msg: "{{ problems | join(' ') }}"
  vars:
    problems: "{{ provision_clusters | kindlab.volumes._lab_problems }}"
"""

RETURN = r"""
_value:
  description: One sentence per problem. Empty if the lab is valid.
  type: list
  elements: str
  sample: ["2 clusters are named lab."]
"""


class FilterModule:
    """Entry point for Ansible."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        return {"_lab_problems": lab_problems}
