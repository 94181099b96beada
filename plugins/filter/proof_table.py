# Copyright: kindlab.volumes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The filter that lays out what a playbook has proved."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ansible_collections.kindlab.volumes.plugins.module_utils._core.console.proof_table import proof_table

DOCUMENTATION = r"""
name: proof_table
short_description: Before and after as a table for people
version_added: 0.1.0
author: kindlab.volumes contributors (@kindlab)
description:
  - Lays out rows in columns that are as wide as what stands in them.
  - Where before and after are equal, the latter is V(the same). What is missing is V(-).
  - Where no row has a before, there are two columns without a heading.
options:
  _input:
    description: The rows. A list as before or after stands in as many lines as it has entries.
    type: list
    elements: dict
    required: true
    suboptions:
      what:
        description: What is compared.
        type: str
        required: true
      before:
        description: How it was.
        type: raw
      after:
        description: How it is.
        type: raw
"""

EXAMPLES = r"""
- name: Show what became of a volume
  ansible.builtin.debug:
    msg: "{{ rows | kindlab.volumes.proof_table }}"
  vars:
    rows:
      - {what: node, before: lab-worker, after: lab-worker2}
      - {what: claim, before: default/test, after: default/test}
"""

RETURN = r"""
_value:
  description: The table's lines, with newlines between them.
  type: str
  sample: |2-
           before        after
    node   lab-worker    lab-worker2
    claim  default/test  the same
"""


class FilterModule:
    """Where Ansible looks for the filter."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        return {"proof_table": proof_table}
