# Copyright: kindlab.volumes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The throw-away cluster of a rehearsal: when one is needed, its options, and the error for what it refuses."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from ansible_collections.kindlab.volumes.plugins.module_utils._core.errors import Declined
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kind.config import OTHERS
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kind.nodes import CONTROL_PLANE
from ansible_collections.kindlab.volumes.plugins.module_utils._core.objects.model import Saved
from ansible_collections.kindlab.volumes.plugins.module_utils._core.refusals import Refusal
from ansible_collections.kindlab.volumes.plugins.module_utils._core.text import count, listed

Options = Mapping[str, Any]

# Options of kind_cluster that decide what an API server accepts.
_SAME = ("image", "feature_gates", "runtime_config", "kubeadm_patches", "containerd_patches", OTHERS)
# Keys of networking, also kind's own, that two clusters cannot share.
_OWN = ("api_server_port", "apiServerPort", "api_server_address", "apiServerAddress")
# A node's host name has at most 63 characters: NAME-rehearsal-xxxxxx-control-plane.
_NAME = 63 - len("-rehearsal-xxxxxx-control-plane")


def rehearsal_name(cluster: str, token: str) -> str:
    """The name of the throw-away cluster. token: six random characters, so that no other cluster has this name."""
    return f"{cluster[:_NAME].rstrip('-.')}-rehearsal-{token}"


def is_wanted(rehearse: bool | None, before: Options, after: Options, *, same_images: bool) -> bool:
    """Whether to rehearse; None: where the API server may accept other objects.

    before, after: options of the old and of the new cluster; {} for those that are not known.
    """
    if rehearse is not None:
        return rehearse
    known = bool(before.get("nodes") and after.get("nodes"))
    return not same_images or (known and _accepting(before) != _accepting(after))


def _accepting(options: Options) -> Options:
    """What decides what an API server accepts, apart from the image and the directories of its node."""
    found = rehearsal_options(options)
    node = {name: value for name, value in found["nodes"][0].items() if name not in ("image", "mounts")}
    return {**found, "image": None, "nodes": [node]}


def rehearsal_options(options: Options) -> dict[str, Any]:
    """The options of kind_cluster for one node that takes objects as the new cluster would.

    options: of the new cluster. Its directories are mounted read-only, and only if patches may refer to files in them.
    """
    nodes = options.get("nodes") or ()
    plane: Options = next((node for node in nodes if (node.get("role") or CONTROL_PLANE) == CONTROL_PLANE), {})
    node = {"role": CONTROL_PLANE, **{name: plane[name] for name in ("image", "patches", OTHERS) if plane.get(name)}}
    mounts: list[dict[str, Any]] = []
    if any(owner.get(option) for owner in (options, plane) for option in ("kubeadm_patches", "patches", OTHERS)):
        shared = [m for m in options.get("mounts") or () if not m.get("roles") or CONTROL_PLANE in m["roles"]]
        mounts = [{**mount, "read_only": True, "create": False} for mount in (*shared, *(plane.get("mounts") or ()))]
        mounts = [{key: value for key, value in mount.items() if key != "roles"} for mount in mounts]
    networking = {key: value for key, value in (options.get("networking") or {}).items() if key not in _OWN}
    return {
        **{name: options[name] for name in _SAME if options.get(name)},
        **({"networking": networking} if networking else {}),
        "nodes": [{**node, **({"mounts": mounts} if mounts else {})}],
    }


def without_classes(saved: Saved) -> Saved:
    """The objects without changes of storage classes: most fields cannot be changed, so a step creates them again."""
    return replace(saved, changed=[change for change in saved.changed if change.key.kind != "StorageClass"])


def refused_error(version: str, refusals: Sequence[Refusal]) -> Declined:
    """The error for objects that the throw-away cluster did not take."""
    return Declined(
        f"Kubernetes {version} does not accept {count(len(refusals), 'object')} of this cluster:\n- "
        + listed([refusal.text() for refusal in refusals], separator="\n- "),
        next_step="Change or delete these objects, then run this again. To recreate without them, set rehearse=false: "
        "the rest comes back, and the result names them.",
        details=[refusal.as_dict() for refusal in refusals],
    )
