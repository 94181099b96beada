# Copyright: kindlab.volumes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Documentation fragment: which volumes of which cluster."""

from __future__ import annotations


class ModuleDocFragment:
    DOCUMENTATION = r"""
options:
  cluster:
    description: The name of the kind cluster.
    type: str
    default: kind
  names:
    description: Only these volumes, each named by itself or by its claim as V(namespace/name).
    type: list
    elements: str
  namespaces:
    description: Only volumes of claims in these namespaces.
    type: list
    elements: str
  storage_classes:
    description: Only volumes of these storage classes; V('') is a volume without one.
    type: list
    elements: str
"""
