# Copyright: kindlab.volumes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""As many nodes of each role as are requested, made of those that are described."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ansible_collections.kindlab.volumes.plugins.module_utils._core.kind.config import OTHERS
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kind.nodes import CONTROL_PLANE, WORKER

Options = Mapping[str, Any]

# Options that say how many nodes of a role there are.
COUNTS = {"control_planes": CONTROL_PLANE, "workers": WORKER}


def resized(nodes: Sequence[dict[str, Any]], counts: Mapping[str, int]) -> list[dict[str, Any]]:
    """As many nodes of each role. The last ones go; new ones have what those of their role, or all, have in common."""
    result = list(nodes)
    for role, number in counts.items():
        own = [node for node in nodes if node["role"] == role]
        new = {**_common(own or nodes), "role": role}
        others = [node for node in result if node["role"] != role]
        result = [*others, *own[: max(number, 0)], *[dict(new) for _node in range(number - len(own))]]
    return result


def _common(nodes: Sequence[Options]) -> dict[str, Any]:
    """What all of these nodes have; ports of the host can have one owner only."""
    first, *others = nodes or ({},)
    found: dict[str, Any] = {
        "image": first.get("image") if all(node.get("image") == first.get("image") for node in others) else None,
    }
    for option in ("labels", OTHERS):
        items = (first.get(option) or {}).items()
        found[option] = {k: v for k, v in items if all((node.get(option) or {}).get(k) == v for node in others)}
    for option in ("mounts", "patches"):
        items = first.get(option) or ()
        found[option] = [item for item in items if all(item in (node.get(option) or ()) for node in others)]
    return {option: value for option, value in found.items() if value}
