# Copyright: kindlab.volumes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Documentation fragment: the container engine. PRIVATE to the collection."""

from __future__ import annotations


class ModuleDocFragment:
    DOCUMENTATION = r"""
options:
  engine:
    description:
      - Container engine that runs the nodes.
      - V(auto) uses the engine in E(KIND_EXPERIMENTAL_PROVIDER), otherwise the first installed one of docker, podman
        and nerdctl.
    type: str
    default: auto
    choices: [auto, docker, podman, nerdctl]
"""
