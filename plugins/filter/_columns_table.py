# Copyright: kindlab.volumes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Filter: format rows as a text table. PRIVATE to the collection."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ansible_collections.kindlab.volumes.plugins.module_utils._core.console.report_table import columns_table

DOCUMENTATION = r"""
name: _columns_table
short_description: Format rows as a text table
version_added: 0.1.0
author: kindlab.volumes contributors (@kindlab)
description:
  - This filter is private to the collection. It may change or be removed in any release.
  - Aligns the rows in columns below a heading. Columns without any value are left out. A missing value is shown as
    V(-).
  - If a line would be too long for a screen, each row is shown as a block with a line for each value.
options:
  _input:
    description: Rows of the table. A list as a value takes one line per item.
    type: list
    elements: dict
    required: true
  columns:
    description: Keys of the columns, in their order.
    type: list
    elements: str
    required: true
"""

EXAMPLES = r"""
- name: Show claims and where they are
  ansible.builtin.debug:
    msg: "{{ rows | kindlab.volumes._columns_table(['claim', 'node', 'used by']) }}"
  vars:
    rows:
      - {claim: default/test, node: lab-worker, used by: test-0}
      - {claim: default/other, node: lab-worker2}
"""

RETURN = r"""
_value:
  description: Table as text with several lines, empty without rows.
  type: str
  sample: |2-
    claim          node         used by
    default/test   lab-worker   test-0
    default/other  lab-worker2  -
"""


class FilterModule:
    """Entry point for Ansible."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        return {"_columns_table": columns_table}
