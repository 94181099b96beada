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


def figures() -> Iterator[Figure]:
    """One run of each, the script first; images and engine are there already for both."""
    given = prepare()
    for name, (clusters, told) in CASES.items():
        forget("bench", *clusters)
        data = DATA / name
        (data / "script").mkdir(parents=True)
        note(f"{name}: the script")
        environment = {**given, "CLUSTER": "bench", "DATA": str(data / "script")}
        script = run([SCRIPTS / f"{name}.sh"], **environment).seconds
        forget("bench", *clusters)
        note(f"{name}: the playbook")
        own = {"KINDLAB_DATA": str(data / "playbook"), "KINDLAB_PROOFS": str(data)}
        playbook = run(
            [BIN / "ansible-playbook", f"kindlab.volumes.{name}", "--extra-vars", json.dumps(told)], **own
        ).seconds
        yield Figure(f"{name}: playbook ({playbook:.0f} s) / script ({script:.0f} s)", playbook / script, 1.25)
        forget("bench", *clusters)
    shutil.rmtree(DATA)
