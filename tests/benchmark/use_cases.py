"""Each use case's playbook against a plain script of kind and kubectl that does the same steps (scripts/)."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

from measure import BIN, SCRATCH, Figure, note, play, role, run

SCRIPTS = Path(__file__).resolve().parent / "scripts"
DATA = SCRATCH / "use_cases"
ROUNDS = 2
# use case -> the clusters that its playbook makes, and how it is told to call them so
CASES = {
    "default_storage_class": (("bench",), {"kindlab_cluster": "bench"}),
    "pod_restart": (("bench",), {"kindlab_cluster": "bench"}),
    "restore_volumes": (("bench",), {"kindlab_cluster": "bench"}),
    "volume_mobility": (("bench-hostpath", "bench-local-path-shared"), {"mobility_prefix": "bench"}),
    "local_data": (("bench",), {"kindlab_cluster": "bench"}),
}


def prepare() -> dict[str, str]:
    """What the scripts are given beside their data: images, and the provisioners' manifests."""
    shutil.rmtree(DATA, ignore_errors=True)
    DATA.mkdir(parents=True)
    facts = {
        "IMAGE": "node_image",
        "WORKLOAD_IMAGE": "workload_image",
        "KIND": "kind",
        "HOSTPATH": "hostpath_image",
        "LOCAL_PATH": "local_path_image",
        "HELPER": "helper_image",
    }
    answer = DATA / "given.json"
    content = json.dumps({name: f"{{{{ kindlab_{fact} }}}}" for name, fact in facts.items()})
    play(
        role("engine"),
        role("node_image"),
        {"ansible.builtin.copy": {"content": content, "dest": str(answer), "mode": "0644"}},
    )
    given: dict[str, str] = json.loads(answer.read_text())
    os.environ["PATH"] = f"{os.path.dirname(given.pop('KIND'))}:{os.environ['PATH']}"
    wanted = {
        "HOSTPATH": {"name": "hostpath", "image": given["HOSTPATH"]},
        "SHARED": {"name": "local_path_shared", "image": given.pop("LOCAL_PATH"), "helper_image": given.pop("HELPER")},
    }
    for variable, options in wanted.items():
        given[variable] = str(DATA / f"{options['name']}.yaml")
        play({"kindlab.volumes.storage_provisioner": {**options, "state": "rendered", "dest": given[variable]}})
    return given


def forget(*clusters: str) -> None:
    """Remove clusters, whatever is in them."""
    for name in clusters:
        run(["kind", "delete", "cluster", "--name", name])
        (Path.home() / ".kube" / f"kind-{name}.yaml").unlink(missing_ok=True)


def script(name: str, data: Path, given: dict[str, str]) -> float:
    """Seconds of the script of a use case."""
    (data / "script").mkdir(parents=True)
    return run([SCRIPTS / f"{name}.sh"], **given, CLUSTER="bench", DATA=str(data / "script")).seconds


def playbook(name: str, data: Path, told: dict[str, str]) -> float:
    """Seconds of the playbook of a use case."""
    command = [BIN / "ansible-playbook", f"kindlab.volumes.{name}", "--extra-vars", json.dumps(told)]
    return run(command, KINDLAB_DATA=str(data / "playbook"), KINDLAB_PROOFS=str(data)).seconds


def figures() -> Iterator[Figure]:
    """Rounds in turns, the script first; the shorter of each counts. Images and engine are there already for both."""
    given = prepare()
    for name, (clusters, told) in CASES.items():
        plain, ours = [], []
        forget("bench", *clusters)
        for number in range(1, ROUNDS + 1):
            data = DATA / name / str(number)
            note(f"{name}, round {number}: the script")
            plain.append(script(name, data, given))
            forget("bench", *clusters)
            note(f"{name}, round {number}: the playbook")
            ours.append(playbook(name, data, told))
            forget("bench", *clusters)
        mine, theirs = min(ours), min(plain)
        yield Figure(f"{name}: playbook ({mine:.0f} s) / script ({theirs:.0f} s)", mine / theirs, 1.25)
    shutil.rmtree(DATA)
