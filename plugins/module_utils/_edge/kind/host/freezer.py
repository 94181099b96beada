# Copyright: kindlab.volumes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Thaw what a killed runc left frozen below node containers: with cgroup v1 frozen processes cannot be killed."""

from __future__ import annotations

import os
from collections.abc import Sequence

from ansible_collections.kindlab.volumes.plugins.module_utils._core.errors import KindlabError
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kind.nodes import CLUSTER_LABEL
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.command import Runner

CGROUPS = "/sys/fs/cgroup"
# A container's own cgroup is the engine's: it is frozen while the container is paused. Ids find containers wherever
# an engine puts them: /docker/ID, /system.slice/docker-ID.scope, /machine.slice/libpod-ID.scope.
THAW = """top=$1; shift
for id do
find "$top/freezer" -type d -name "*$id*" -prune -exec find {} -mindepth 2 -name freezer.self_freezing ';' 2>/dev/null
done | while read -r file; do
[ "$(cat "$file")" = 1 ] && echo THAWED >"${file%self_freezing}state" && echo "${file%/*}"
done
:"""
START_SECONDS = 60


def thaw(runner: Runner, engine: str, cluster: str, cgroups: str = CGROUPS) -> bool:
    """Thaw the cgroups below the containers of a cluster, whichever host runs them; True if any was frozen.

    cgroups: where this host has them.
    """
    containers = _ask(runner, engine, "ps", "--all", "--no-trunc", "--filter", f"label={CLUSTER_LABEL}={cluster}")
    found = dict(line.split("\t", 1) for line in containers.splitlines() if "\t" in line)
    if not found:
        return False
    if os.geteuid() == 0 and _run(runner, ["sh", "-c", THAW, "sh", cgroups, *found]):
        return True
    # Without root, or with the engine on another host: a container there, of an image that it has for certain.
    helper = ["run", "--rm", "--privileged", "--cgroupns=host", "--network=none", f"--volume={CGROUPS}:{CGROUPS}"]
    images = dict.fromkeys(found.values())
    command = ["-c", THAW, "sh", CGROUPS, *found]
    return any(_run(runner, [engine, *helper, "--entrypoint=sh", image, *command]) for image in images)


def _ask(runner: Runner, engine: str, *words: str) -> str:
    return _run(runner, [engine, *words, "--format", "{{.ID}}\t{{.Image}}"])


def _run(runner: Runner, argv: Sequence[str]) -> str:
    """What a command printed, '' if it failed."""
    try:
        done = runner.run(argv, check=False, timeout=START_SECONDS)
    except KindlabError:
        return ""
    return done.out.strip() if done.code == 0 else ""
