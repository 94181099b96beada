"""1,000 volumes without pods: backup against two list requests, restore against kubectl on a stock cluster."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator

from clusters import KUBECONFIG, KUBECTL, NAME, NODE_DIRECTORY, VOLUMES, delete, prepare, present, timed
from measure import SCRATCH, Figure, empty_play, note, play, run, shell

COUNT = 1000
BACKUP = SCRATCH / "backup"
MANIFESTS = SCRATCH / "manifests.json"
IN_NODE = f"docker exec -i {NAME}-control-plane"


def manifests(count: int) -> list[dict[str, object]]:
    """Claims, each with its volume: what a person would apply to have them bound."""
    shown: list[dict[str, object]] = []
    for number in range(count):
        name, claim = f"volume-{number:04}", f"claim-{number:04}"
        common = {
            "storageClassName": "standard",
            "accessModes": ["ReadWriteOnce"],
        }
        volume = {
            **common,
            "capacity": {"storage": "1Mi"},
            "persistentVolumeReclaimPolicy": "Retain",
            "hostPath": {"path": f"{NODE_DIRECTORY}/{name}"},
            "claimRef": {"apiVersion": "v1", "kind": "PersistentVolumeClaim", "namespace": "default", "name": claim},
        }
        request = {**common, "volumeName": name, "resources": {"requests": {"storage": "1Mi"}}}
        shown.append({"apiVersion": "v1", "kind": "PersistentVolume", "metadata": {"name": name}, "spec": volume})
        shown.append(
            {"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": {"name": claim}, "spec": request}
        )
    return shown


def all_bound() -> str:
    """A command line that ends when every claim is bound."""
    return f"{KUBECTL} wait --for=jsonpath={{.status.phase}}=Bound pvc --all --timeout=900s >/dev/null"


def figures() -> Iterator[Figure]:
    """A stock cluster, filled by kubectl, saved; then a new one of the same kind, filled from the backup."""
    image = prepare()
    shutil.rmtree(BACKUP, ignore_errors=True)
    delete()
    play(present(image, workers=0))
    for number in range(COUNT):
        (VOLUMES / f"volume-{number:04}").mkdir(exist_ok=True)
    MANIFESTS.write_text(json.dumps({"apiVersion": "v1", "kind": "List", "items": manifests(COUNT)}))
    note(f"kubectl create and wait: {COUNT} volumes, some minutes")
    plain = shell(f"{KUBECTL} create -f - < {MANIFESTS} >/dev/null; {all_bound()}").seconds
    nothing = empty_play()

    paths = ("/api/v1/persistentvolumes", "/api/v1/persistentvolumeclaims")
    entering = min(shell(f"{IN_NODE} true").seconds for _ in range(3))
    lists = min(
        sum(shell(f"{KUBECTL} get --raw {path} >/dev/null").seconds - entering for path in paths) for _ in range(3)
    )
    common = {"cluster": NAME, "kubeconfig": str(KUBECONFIG), "path": str(BACKUP)}
    saving = play({"kindlab.volumes.volume_backup": {**common, "checksums": "none"}})
    shutil.rmtree(BACKUP)
    _seconds, saved = timed("volume_backup", path=str(BACKUP), checksums="none")
    yield Figure(
        f"backup of {COUNT} manifests in the module ({saving.seconds - nothing:.1f} s above an empty play, with what"
        f" Ansible needs to pack and start it); two lists took {lists:.2f} s",
        sum(saved["seconds"].values()),
        3 * lists + 1,
        "s",
    )
    yield Figure("backup: peak memory of the largest process", saving.megabytes, 300, "MB")

    delete()
    play(present(image, workers=0))
    note("restore")
    restoring = play({"kindlab.volumes.volume_restore": {**common, "verify": "none"}})
    run(["bash", "-c", all_bound()])
    took = restoring.seconds - nothing
    yield Figure(f"kubectl ({plain:.0f} s) / restore ({took:.1f} s), all Bound", plain / took, 15, at_least=True)
    yield Figure("restore: peak memory of the largest process", restoring.megabytes, 300, "MB")
    delete()
    shutil.rmtree(BACKUP)
