"""Each use case's playbook against a plain script of kind and kubectl that does the same steps (scripts/)."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

from measure import BIN, ROOT, SCRATCH, Figure, compare, play, role, run

SCRIPTS = Path(__file__).resolve().parent / "scripts"
DATA = SCRATCH / "use_cases"
PREFIX = "bench"
# Where no other Kubernetes is at hand, change_cluster keeps it; the script always does.
SAME = "kindlab_newer_kubernetes=none"
LIST = json.loads((ROOT / "playbooks" / "vars" / "use_cases.json").read_text())["kindlab_use_cases"]


def prepare() -> dict[str, str]:
    """Environment of the scripts: images, and the manifests of the provisioners."""
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


def forget(clusters: list[str]) -> None:
    """Remove clusters with all that is in them."""
    for name in (PREFIX, *(f"{PREFIX}-{cluster}" for cluster in clusters)):
        run(["kind", "delete", "cluster", "--name", name])
        (Path.home() / ".kube" / f"kind-{name}.yaml").unlink(missing_ok=True)


def script(name: str, data: Path, given: dict[str, str]) -> float:
    """Seconds of the script of a use case."""
    shutil.rmtree(data, ignore_errors=True)
    data.mkdir(parents=True)
    return run([SCRIPTS / f"{name}.sh"], **given, CLUSTER=PREFIX, DATA=str(data)).seconds


def playbook(name: str, data: Path) -> float:
    """Seconds of the playbook of a use case."""
    shutil.rmtree(data, ignore_errors=True)
    command = [BIN / "ansible-playbook", f"kindlab.volumes.{name}", "--extra-vars", f"kindlab_prefix={PREFIX} {SAME}"]
    return run(command, KINDLAB_DATA=str(data), KINDLAB_PROOFS=str(DATA)).seconds


def figures() -> Iterator[Figure]:
    """Playbook and script on the same machine, with images and engine in place for both."""
    given = prepare()
    for case in LIST:
        name, clusters = case["name"], case["clusters"]
        forget(clusters)

        def ours(name: str = name, clusters: list[str] = clusters) -> float:
            seconds = playbook(name, DATA / "playbook")
            forget(clusters)
            return seconds

        def theirs(name: str = name, clusters: list[str] = clusters) -> float:
            seconds = script(name, DATA / "script", given)
            forget(clusters)
            return seconds

        rounds = compare(name, ours, theirs, most=4)
        yield Figure(
            f"{name}: playbook ({min(rounds.ours):.0f} s) / script ({min(rounds.theirs):.0f} s)",
            rounds.ratio(),
            1.25,
            rounds=rounds,
        )
    shutil.rmtree(DATA)
