# Copyright: kindlab.volumes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The filter that says what is wrong with the clusters of a lab."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ansible_collections.kindlab.volumes.plugins.module_utils._core.provision import lab_problems

DOCUMENTATION = r"""
name: lab_problems
short_description: What is wrong with the clusters of a lab
version_added: 0.1.0
author: kindlab.volumes contributors (@kindlab)
description:
  - Checks clusters as the role P(kindlab.volumes.provision#role) takes them, each as its modules would and all of them
    together, without a look at the machine.
options:
  _input:
    description: The clusters of one machine, as C(provision_clusters) has them.
    type: list
    elements: dict
    required: true
  state:
    description: The state of those that have none of their own.
    type: str
    choices: [present, absent]
    default: present
"""

EXAMPLES = r"""
- name: Refuse a lab that can't be
  ansible.builtin.assert:
    that: problems == []
    fail_msg: "{{ problems | join(' ') }}"
  vars:
    problems: "{{ provision_clusters | kindlab.volumes.lab_problems }}"
"""

RETURN = r"""
_value:
  description: A sentence for each problem; an empty list where there is none.
  type: list
  elements: str
  sample: ["2 clusters are called lab."]
"""


class FilterModule:
    """Where Ansible looks for the filter."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        return {"lab_problems": lab_problems}
