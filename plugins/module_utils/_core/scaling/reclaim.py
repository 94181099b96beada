# Copyright: kindlab.volumes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Reclaim policies: Retain before the pods of volumes are stopped, and the original policy once they may run again."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field

from ansible_collections.kindlab.volumes.plugins.module_utils._core.kube.binding import policy_change
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kube.objects import Object
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kube.volumes import (
    ORIGINAL_POLICY,
    RETAINED_UNTIL,
    Volume,
)
from ansible_collections.kindlab.volumes.plugins.module_utils._core.refusals import Refusal
from ansible_collections.kindlab.volumes.plugins.module_utils._core.text import claimed

RETAIN = "Retain"
# Values of RETAINED_UNTIL: the state of volume_detach and that of node_drain that restore the policy.
ATTACHED, UNCORDONED = "attached", "uncordoned"
_RESCUE = (
    "Back it up with kindlab.volumes.volume_backup, which keeps its data when it is deleted. Then let the deletion "
    "finish: stop its pods, and restore it with kindlab.volumes.volume_restore."
)


@dataclass(frozen=True)
class Policies:
    """Changes of reclaim policies. patches: by volume's name; warnings: why a policy stays as it is."""

    volumes: tuple[Volume, ...] = ()
    patches: Mapping[str, Object] = field(default_factory=dict)
    warnings: tuple[str, ...] = ()

    def before(self) -> dict[str, str]:
        """Volume's name -> its policy now."""
        return {volume.name: volume.reclaim_policy for volume in self.volumes}

    def after(self) -> dict[str, str]:
        """Volume's name -> its policy once the patches are written."""
        changed = {name: patch["spec"]["persistentVolumeReclaimPolicy"] for name, patch in self.patches.items()}
        return {**self.before(), **changed}

    def joined(self, later: Policies) -> Policies:
        """Both as one, with each volume as it was before these."""
        volumes = {volume.name: volume for volume in (*later.volumes, *self.volumes)}
        patches = {**self.patches, **later.patches}
        return Policies(tuple(volumes.values()), patches, (*self.warnings, *later.warnings))

    def rows(self) -> list[Object]:
        """The changes in a module's result."""
        after = self.after()
        return [
            {"name": v.name, "claim": v.claim, "before": v.reclaim_policy, "after": after[v.name]}
            for v in self.volumes
            if v.name in self.patches
        ]


def retained(volumes: Iterable[Volume], until: str, claims: Collection[str]) -> Policies:
    """Set Retain on those that have one of the claims, until a state.

    Ephemeral volumes end with their pods, and keep their policy.
    """
    volumes = tuple(volume for volume in volumes if not volume.is_ephemeral)
    patches = {
        volume.name: {
            "metadata": {"annotations": {ORIGINAL_POLICY: volume.reclaim_policy, RETAINED_UNTIL: until}},
            "spec": {"persistentVolumeReclaimPolicy": RETAIN},
        }
        for volume in volumes
        if volume.reclaim_policy != RETAIN and volume.claim_phase and volume.claim in claims
    }
    return Policies(volumes, patches)


def restored(volumes: Iterable[Volume], until: str) -> Policies:
    """Set the policies again that retained() recorded, except where that would delete data."""
    volumes = tuple(volume for volume in volumes if volume.retained_until == until)
    return originals(
        {v.name: v.original_policy if v.reclaim_policy == RETAIN else v.reclaim_policy for v in volumes}, volumes
    )


def originals(policies: Mapping[str, str], volumes: Iterable[Volume]) -> Policies:
    """Set these policies, by volume's name, except where that would delete data. volumes: as they are now."""
    volumes = tuple(volume for volume in volumes if volume.name in policies)
    patches, warnings = {}, []
    for volume in volumes:
        original, in_use = policies[volume.name], volume.claim_phase == "Bound" or volume.phase == "Available"
        gone = "being deleted" if volume.is_terminating else "" if in_use else "not bound to it"
        if gone and original != RETAIN:
            warnings.append(
                f"{claimed(volume.name, volume.claim)} keeps the reclaim policy Retain: its claim is {gone}."
            )
        else:
            patches[volume.name] = policy_change(original or RETAIN)
    return Policies(volumes, patches, tuple(warnings))


def terminating(volumes: Iterable[Volume]) -> list[Refusal]:
    """Why the pods of volumes cannot be stopped: those that are being deleted are gone as soon as their pods stop."""
    why = "it or its claim is being deleted, which finishes as soon as its pods are stopped"
    return [
        Refusal(volume.name, why, _RESCUE, {"claim": volume.claim})
        for volume in volumes
        if volume.is_terminating and not volume.is_ephemeral
    ]
