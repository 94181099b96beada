# Copyright: kindlab.volumes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Filter: describe clusters, their claims and a backup. PRIVATE to the collection."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ansible_collections.kindlab.volumes.plugins.module_utils._core.console.overview import overview

DOCUMENTATION = r"""
name: _overview
short_description: Describe clusters, their claims and a backup
version_added: 0.1.0
author: kindlab.volumes contributors (@kindlab)
description:
  - This filter is private to the collection. It may change or be removed in any release.
options:
  _input:
    description: Clusters as M(kindlab.volumes.kind_cluster_info) returns them.
    type: list
    elements: dict
    required: true
  listings:
    description: The results of M(kindlab.volumes.volume_info) in a loop over the clusters that answer.
    type: list
    elements: dict
    required: true
  catalogs:
    description: Name and catalog of each generation of the backup. A line break follows each name, and a form feed each
      catalog.
    type: str
    default: ""
  path:
    description: Path of the backup; empty for none.
    type: str
    default: ""
"""

EXAMPLES = r"""
- name: Show the clusters
  ansible.builtin.debug:
    msg: "{{ (kind.clusters | kindlab.volumes._overview(listings)).text }}"
"""

RETURN = r"""
_value:
  description: A text (C(text)), a row for each claim (C(rows)), and what to do next (C(next)).
  type: dict
"""


class FilterModule:
    """Entry point for Ansible."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        return {"_overview": overview}
