# Copyright: kindlab.volumes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Filter: format a comparison as a text table. PRIVATE to the collection."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ansible_collections.kindlab.volumes.plugins.module_utils._core.console.report_table import report_table

DOCUMENTATION = r"""
name: _report_table
short_description: Format a comparison as a text table
version_added: 0.1.0
author: kindlab.volumes contributors (@kindlab)
description:
  - This filter is private to the collection. It may change or be removed in any release.
  - Aligns the rows in columns. If RV(ignore:before) and RV(ignore:after) are equal, the latter is shown as V(the same).
    A missing value is shown as V(-).
  - If no row has a value before, the table has two columns and no heading.
options:
  _input:
    description: Rows of the table. A list as a value takes one line per item.
    type: list
    elements: dict
    required: true
    suboptions:
      what:
        description: Name of the row.
        type: str
        required: true
      before:
        description: Value before.
        type: raw
      after:
        description: Value after.
        type: raw
"""

EXAMPLES = r"""
- name: Show a volume before and after
  ansible.builtin.debug:
    msg: "{{ rows | kindlab.volumes._report_table }}"
  vars:
    rows:
      - {what: node, before: lab-worker, after: lab-worker2}
      - {what: claim, before: default/test, after: default/test}
"""

RETURN = r"""
_value:
  description: Table as text with several lines.
  type: str
  sample: |2-
           before        after
    node   lab-worker    lab-worker2
    claim  default/test  the same
"""


class FilterModule:
    """Entry point for Ansible."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        return {"_report_table": report_table}
