# Copyright: kindlab.volumes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What a look at a node or at the host shows: its kernel, the cluster's CA, directories by device and inode, mounts."""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from ansible_collections.kindlab.volumes.plugins.module_utils._core.errors import CommandFailed
from ansible_collections.kindlab.volumes.plugins.module_utils._core.text import unescaped

_CERTIFICATE = re.compile(r"-----BEGIN CERTIFICATE-----(.+?)-----END CERTIFICATE-----", re.DOTALL)


class Mounted(NamedTuple):
    """What is mounted at a point: device, the directory in its file system ('//deleted' follows if it was removed)."""

    device: str
    root: str
    filesystem: str


@dataclass(frozen=True)
class Look:
    """A node or the host at one moment.

    boot: id of the running kernel, '' if unknown. certificates: of the cluster's CA, by sha256. stats: path -> device
    and inode, None for no such path; a path that may not be read is missing. real: path -> the same without symbolic
    links. mounts: by mount point. error: why nothing is known.
    """

    boot: str = ""
    certificates: frozenset[str] = frozenset()
    stats: Mapping[str, tuple[int, int] | None] = field(default_factory=dict)
    real: Mapping[str, str] = field(default_factory=dict)
    mounts: Mapping[str, Mounted] = field(default_factory=dict)
    silent: frozenset[str] = frozenset()
    error: str = ""

    def path_of(self, mounted: Mounted) -> str:
        """The path of a mounted directory here; if it cannot be reached, its path in the file system and the device."""
        root = mounted.root.removesuffix("//deleted")
        for point, own in self.mounts.items():
            inside = own.root.rstrip("/")
            if own.device == mounted.device and f"{root}/".startswith(f"{inside}/"):
                path = f"{point.rstrip('/')}{root[len(inside) :]}" or "/"
                return path if root == mounted.root else f"{path} (deleted)"
        return f"{mounted.root} of device {mounted.device}"


def parse_look(node: str, text: str, paths: Sequence[str]) -> Look:
    """The output of the script in _edge/identity/look.py for these paths. Raises CommandFailed if it is incomplete.

    Its fields: boot id, CA, 'DEVICE INODE' of each path ('' for none), each path without links, mountinfo, 'end'.
    """
    fields = text.split("\0")
    if len(fields) != 2 * len(paths) + 5 or fields[-2:] != ["end", ""]:
        raise CommandFailed(f"Could not read the mounts of node {node}.", next_step="Run this again.")
    boot, ca, *rest, mounts = fields[:-2]
    stats = [tuple(map(int, stat.split())) for stat in rest[: len(paths)]]
    return Look(
        boot.strip(),
        certificates(ca),
        {path: (stat[0], stat[1]) if stat else None for path, stat in zip(paths, stats)},
        dict(zip(paths, rest[len(paths) :])),
        parse_mounts(mounts),
    )


def parse_mounts(text: str) -> dict[str, Mounted]:
    """A mountinfo file: mount point -> what is mounted there; of several at one point the last, which is seen."""
    return dict(_mounts(text))


def _mounts(text: str) -> Iterator[tuple[str, Mounted]]:
    for line in text.split("\n"):
        before, _separator, after = line.partition(" - ")
        fields = before.split(" ")
        if len(fields) > 4:
            yield unescaped(fields[4]), Mounted(fields[2], unescaped(fields[3]), after.partition(" ")[0])


def certificates(pem: str) -> frozenset[str]:
    """The sha256 of each certificate in a PEM text."""
    return frozenset(
        hashlib.sha256(content).hexdigest() for block in _CERTIFICATE.findall(pem) if (content := _decoded(block))
    )


def certificates_in(encoded: str) -> frozenset[str]:
    """The same of a PEM text in base64, as kubeconfigs have it; none if it is something else."""
    return certificates(_decoded(encoded).decode("ascii", "replace"))


def _decoded(block: str) -> bytes:
    try:
        return base64.b64decode("".join(block.split()))
    except (binascii.Error, ValueError):
        return b""
