# Copyright: kindlab.volumes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Look at the images of a node with one command, and read their blobs."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from ansible_collections.kindlab.volumes.plugins.module_utils._core.clock import Deadline, poll
from ansible_collections.kindlab.volumes.plugins.module_utils._core.errors import TimedOut
from ansible_collections.kindlab.volumes.plugins.module_utils._core.loaded_images.content import (
    NodeImages,
    Target,
    parse_look,
    parse_names,
)
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.activity import REPORTER
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.engine import Engine
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.images.nodes import CTR, in_each

PAUSE = 0.2
# {node: {name: what it stands for}}
Listings = Mapping[str, Mapping[str, Target]]

_ROOT = "/var/lib/containerd"
BLOBS = f"{_ROOT}/io.containerd.content.v1.content/blobs/sha256"
_DATABASE = f"{_ROOT}/io.containerd.metadata.v1.bolt/meta.db"
# The node image's own images lie in the node's root file system, below the volume that a node has at /var.
LOOK = rf"""set -eu
export LC_ALL=C
uname -m
printf '\0'
{" ".join(CTR)} list
printf '\0'
find {BLOBS} -type f -printf '%f %s\n'
printf '\0'
{" ".join(CTR)} list --quiet | unshare --mount sh -c 'set -eu
  mount --bind / /mnt
  ls /mnt{BLOBS} || true
  printf "\0"
  grep --text --only-matching --fixed-strings --file=- /mnt{_DATABASE} || true'
printf '\0'
cd {BLOBS}
find . -type f -size -2048 -printf '%f\n' | while read -r blob; do
  case $(head -c 1 "$blob") in
    '{{') printf '%s\0' "$blob"; cat "$blob"; printf '\0' ;;
  esac
done
printf end
"""


def look(engine: Engine, node: str) -> NodeImages:
    """All images of a node. Raises CommandFailed."""
    return parse_look(engine.inside(node).run(["sh", "-c", LOOK]).out, node)


def names(engine: Engine, node: str) -> dict[str, Target] | None:
    """What the names in a node stand for; None if its container runtime does not answer."""
    listed = engine.inside(node).run([*CTR, "list"], check=False)
    return parse_names(listed.out) if listed.code == 0 else None


def await_names(engine: Engine, nodes: Sequence[str], deadline: Deadline) -> Listings:
    """The same of several nodes. Raises TimedOut if a container runtime does not answer in time."""

    def answer(node: str) -> Mapping[str, Target]:
        with REPORTER.waiting(lambda: f"the container runtime of {node}"):
            for _turn in poll(deadline, PAUSE):
                found = names(engine, node)
                if found is not None:
                    return found
        raise TimedOut(
            f"The container runtime of node {node} did not answer within {deadline.seconds:g} seconds, so that no "
            "image could be loaded.",
            tried=f"{engine.name} exec {node} ctr --namespace=k8s.io images list",
            next_step=f"See why: {engine.name} exec {node} journalctl --unit containerd",
        )

    return in_each(nodes, answer)


def read_argv(engine: Engine, node: str, digests: Iterable[str]) -> list[str]:
    """The command that writes blobs of a node as a tar archive."""
    return engine.inside(node).argv(
        ["tar", "--create", f"--directory={BLOBS}", *(digest.partition(":")[2] for digest in digests)]
    )
