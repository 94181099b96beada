# Copyright: kindlab.volumes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Documentation fragment: the container engine that runs the nodes."""

from __future__ import annotations


class ModuleDocFragment:
    DOCUMENTATION = r"""
options:
  engine:
    description:
      - The container engine that runs the nodes.
      - V(auto) takes what E(KIND_EXPERIMENTAL_PROVIDER) names, else the first of docker, podman and nerdctl that is
        installed.
    type: str
    default: auto
    choices: [auto, docker, podman, nerdctl]
"""
