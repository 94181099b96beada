"""What tests ask of mounts."""

from __future__ import annotations

from ansible_collections.kindlab.volumes.plugins.module_utils._core.kind.nodes import Mount


def mismatch_of(mount: Mount, node_directory: str) -> str:
    """Why a directory of the node that lies in a mount is not the host's, '' if it is or is not known."""
    fault = mount.fault_of(node_directory)
    return fault.mismatch if fault else ""
