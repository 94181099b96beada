"""Kill moves of volumes from one node's own file system to another's; one rerun must complete each without a loss."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import scene
from harness import BUILD, SCRATCH, Row, kill, row, start
from labs import MODULES, Lab, Told, deployment, labs, told, volume, workload_image

# When runs are killed, as parts of the time that one without a fault takes.
POINTS = 10
VOLUMES = 3
TOP = "/var/kept"
# Holes, links, owners, modes, attributes, times and odd names; $1: the directory.
WRITE = r"""set -e
mkdir -p "$1/d/empty"
cd "$1"
for number in $(seq 500); do echo "$number" > "d/file $number"; done
head -c 20000000 /dev/urandom > large
truncate --size=100M holes && echo end >> holes
ln large twin && ln -s /nowhere absolute && mkfifo fifo
touch "$(printf 'new\nline')" && touch -d '2001-02-03 04:05:06.789' old
chown 1234:5678 large && chmod 4755 "d/file 1" && chmod 2770 d
"""
LIST = r"""cd "$1" && find . -not -name journal -printf '%P %y %m %U %G %n %l\n' | sort
find . -type f -not -name journal -print0 | sort -z | xargs -0 sha256sum
find . -type f -not -name journal -printf '%P %T@\n' | sort
test "$(stat --format=%b holes)" -lt 2000 && echo holes"""


def rows() -> Iterator[Row]:
    """A row per point, each run in the other direction."""
    with labs("it-moves") as (lab,):
        lab.create(workers=2)
        lab.ready()
        for number in range(VOLUMES):
            inside(lab, "worker", WRITE, number)
            source = {"hostPath": {"path": f"{TOP}/v{number}"}}
            lab.apply(*volume(f"v{number}", source, f"c{number}", node=lab.node("worker")))
            noted = ["sh", "-c", f"echo started >> /c{number}/journal; exec sleep 86400"]
            lab.apply(deployment(f"app{number}", scene.pod(workload_image(), noted, [f"c{number}"])))
        running(lab)
        was = [inside(lab, "worker", LIST, number) for number in range(VOLUMES)]
        done = move(lab, "worker2")
        yield told("a move without a fault", not wrong(lab, "worker2", was), done)
        seconds, here = done.seconds, "worker2"
        for number in range(POINTS):
            target = "worker" if here == "worker2" else "worker2"
            after = seconds * (number + 0.5) / POINTS
            killed(lab, target, after)
            rerun = move(lab, target)
            found = wrong(lab, target, was) if not rerun.failed else [rerun.text]
            text = f"the rerun took {rerun.seconds:.1f} s"
            yield row(f"a move killed after {after:.1f} s", text, not found, "; ".join(found))
            here = target


def move(lab: Lab, target: str) -> Told:
    """Move all volumes to a node."""
    return lab.ask("volume_move", names=[f"v{number}" for number in range(VOLUMES)], node=lab.node(target))


def killed(lab: Lab, target: str, seconds: float) -> None:
    """Kill a move, with all of its programs, after so many seconds."""
    names = [f"v{number}" for number in range(VOLUMES)]
    options = {"cluster": lab.name, "kubeconfig": str(lab.kubeconfig), "node": lab.node(target), "names": names}
    arguments = lab.top / "arguments.json"
    arguments.write_text(json.dumps({"ANSIBLE_MODULE_ARGS": options}))
    built = os.pathsep.join(filter(None, [os.environ.get("PYTHONPATH"), str(BUILD / "collections")]))
    argv: list[str | Path] = [sys.executable, "-m", f"{MODULES}.volume_move", arguments]
    process = start(argv, SCRATCH / "killed.log", PYTHONPATH=built)
    time.sleep(seconds)
    kill(process)


def inside(lab: Lab, node: str, script: str, number: int) -> str:
    """The output of a script about the directory of a volume in a node."""
    argv = ["docker", "exec", lab.node(node), "sh", "-c", script, "sh", f"{TOP}/v{number}"]
    return subprocess.run(argv, capture_output=True, text=True, check=True, errors="replace").stdout


def running(lab: Lab) -> None:
    """Wait until all applications run."""
    for number in range(VOLUMES):
        lab.kubectl("rollout", "status", f"deployment/app{number}", "--timeout=180s")


def wrong(lab: Lab, node: str, was: list[str]) -> list[str]:
    """What is not as it should be after a move to a node."""
    running(lab)
    found = []
    for number in range(VOLUMES):
        if inside(lab, node, LIST, number) != was[number]:
            found.append(f"the data of v{number} differs")
        volume_now = lab.objects("pv")[f"v{number}"]
        if lab.node(node) not in json.dumps(volume_now["spec"]["nodeAffinity"]):
            found.append(f"v{number} is not on {node}")
        if volume_now["spec"]["persistentVolumeReclaimPolicy"] != "Delete":
            found.append(f"v{number} has another reclaim policy")
    found += [f"{name} is {phase}" for name, phase in lab.phases().items() if phase != "Bound"]
    records = lab.kubectl("-n", "kube-system", "get", "configmaps", "-l", "kindlab.volumes/relocating", "-o", "name")
    return found + ([f"{records} is left"] if records else [])
