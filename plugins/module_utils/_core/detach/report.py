# Copyright: kindlab.volumes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Report which volumes are in use, and by what."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from ansible_collections.kindlab.volumes.plugins.module_utils._core.errors import TimedOut
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kube.objects import Object
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kube.volumes import Volume
from ansible_collections.kindlab.volumes.plugins.module_utils._core.text import count, listed

from .usage import VolumeUser

Users = Mapping[str, Sequence[VolumeUser]]


def volume_rows(volumes: Iterable[Volume], users: Users) -> list[Object]:
    """The volumes in the module's result. users: by volume's name."""
    return [
        {
            "name": volume.name,
            "claim": volume.claim,
            "state": "in use" if users.get(volume.name) else "free",
            "in_use_by": [user.as_dict() for user in users.get(volume.name, ())],
        }
        for volume in volumes
    ]


def still_in_use(volumes: Sequence[Volume], users: Users, seconds: float) -> TimedOut:
    """The error if volumes are in use when the time is over."""
    rows = [row for row in volume_rows(volumes, users) if row["in_use_by"]]
    return TimedOut(
        f"{len(rows)} of {count(len(volumes), 'volume')} still in use after {seconds:g} seconds: "
        f"{summary(volumes, users)}.",
        next_step="End these pods and processes, then run this again; the workloads stay at zero until then. "
        "Or scale them back up: state=attached.",
        details=rows,
    )


def summary(volumes: Iterable[Volume], users: Users) -> str:
    """The volumes in use, as a part of a sentence."""
    texts = (
        f"{volume.name}{f' ({volume.claim})' if volume.claim else ''}: "
        + listed([user.text() for user in users[volume.name]], 3)
        for volume in volumes
        if users.get(volume.name)
    )
    return listed(texts, separator="; ")
