# Copyright: kindlab.volumes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Documentation fragment: selection of volumes. PRIVATE to the collection."""

from __future__ import annotations


class ModuleDocFragment:
    DOCUMENTATION = r"""
options:
  names:
    description: Limits the volumes to these, by name or by claim as V(namespace/name). An empty list is an error.
    type: list
    elements: str
  namespaces:
    description: Limits the volumes to those with claims in these namespaces. An empty list is an error.
    type: list
    elements: str
  storage_classes:
    description:
      - Limits the volumes to these storage classes. V('') selects volumes without a storage class.
      - An empty list is an error.
    type: list
    elements: str
notes:
  - C(docs/volumes.md) of the collection says what happens to each kind of volume.
"""
