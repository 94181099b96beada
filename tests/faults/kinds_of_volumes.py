"""All kinds of volumes of docs/volumes.md at once in a real cluster, and each action on them: a row per kind."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Iterator
from typing import Any

import scene
from harness import Row, row, until
from labs import Lab, Object, Told, deployment, labs, volume, workload_image

MOUNT = "/var/local-path-provisioner"
# In docs/volumes.md -> the PersistentVolumes of that kind here.
KINDS: dict[str, tuple[str, ...]] = {
    "hostPath or local, mounted from the host": ("host-path", "local"),
    "hostPath or local, inside one node": ("inside",),
    "local data": ("default.library",),
    "NFS, iSCSI and other network sources": ("nfs", "iscsi"),
    "CSI": ("csi",),
    "CSI, tied to nodes by its affinity": ("tied",),
    "generic ephemeral": (),
    "block": ("block",),
    "static, directory missing, never used": ("never",),
    "static, directory missing, bound": ("missing",),
    "nested, or two on one directory": ("outer", "inner", "twin"),
    "shared directory on all nodes": ("shared",),
    "Released or Failed": ("released", "failed"),
    "Lost claim": (),
    "Pending claim": (),
    "Terminating": ("going",),
    "affinity to nodes": ("host-path",),
    "affinity to another label": ("labelled",),
    "no affinity, mounted on some nodes or on none": ("some",),
}
# These are refused; they are removed before the others are detached, backed up and recreated.
REFUSED = ("missing", "going", "some")
NO_CLAIM = ("never", "released", "failed")
# Volumes that nothing can mount here, since their servers, drivers and devices do not exist.
UNUSABLE = ("nfs", "iscsi", "csi", "tied", "block")


class Table:
    """Kind -> action -> whether it did what the document says, and a row for each kind at the end."""

    def __init__(self) -> None:
        self.seen: dict[str, dict[str, bool]] = {kind: {} for kind in KINDS}
        self.said: list[str] = []

    def note(self, action: str, kind: str, ok: bool, run: Told | None = None) -> None:
        self.seen[kind][action] = self.seen[kind].get(action, True) and ok
        if run is not None and (not ok or not run.is_ours):
            self.said.append(f"{action}, {kind}: {run.text[-300:]}")

    def each(self, action: str, good: dict[str, bool], run: Told | None = None) -> None:
        """good: volume -> whether the action was right for it."""
        for kind, names in KINDS.items():
            for name in names:
                if name in good:
                    self.note(action, kind, good[name], run)

    def rows(self) -> Iterator[Row]:
        for kind, actions in self.seen.items():
            found = ", ".join(f"{action} {'ok' if ok else 'WRONG'}" for action, ok in actions.items())
            said = "; ".join(line for line in self.said if f", {kind}: " in line)
            ok = bool(actions) and all(actions.values())
            yield row(kind, found, ok, "" if ok else said)


def rows() -> Iterator[Row]:
    """Create all kinds, and run info, detach, backup, recreate, restore and absent."""
    with labs("it-kinds") as (lab,):
        table = Table()
        build(lab)
        show(lab, table)
        refuse(lab, table)
        remove_refused(lab)
        detach(lab, table)
        if recreate(lab, table):
            restore(lab, table)
            remove(lab, table)
        yield from table.rows()


def build(lab: Lab) -> None:
    data, some = lab.top / "volumes", lab.top / "some"
    common = {"host_path": str(data), "node_path": MOUNT}
    nodes: list[Object] = [
        {"role": "control-plane"},
        {"role": "worker", "mounts": [{"host_path": str(some), "node_path": "/some"}]},
        {"role": "worker"},
    ]
    lab.create(nodes=nodes, mounts=[common])
    lab.ready()
    lab.kubectl("label", "node", lab.node("worker2"), "example.com/disk=ssd")
    lab.kubectl("taint", "node", lab.node("worker2"), "example.com/own=yes:PreferNoSchedule")
    for name in ("host-path", "local", "outer", "outer/inner", "shared", "released", "failed", "going", "labelled"):
        (data / name).mkdir()
        (data / name / "file").write_text(f"of {name}")
    (data / "library").mkdir()
    (some / "some").mkdir()
    inside = "mkdir -p /opt/inside; echo of inside > /opt/inside/file"
    subprocess.run(["docker", "exec", lab.node("worker"), "sh", "-c", inside], check=True)
    lab.apply(*manifests(lab))
    asked = {"name": "library", "path": str(data / "library"), "namespaces": ["default"]}
    if (given := lab.ask("local_data", **asked)).failed:
        raise SystemExit(f"local_data: {given.text}")
    lab.apply(*workloads())
    end_some(lab)
    for name in ("app", "ephemeral", "going"):
        lab.kubectl("rollout", "status", f"deployment/{name}", "--timeout=180s")
    lab.kubectl("delete", "pvc", "going", "--wait=false")


def manifests(lab: Lab) -> list[Object]:
    """All static volumes."""
    worker, worker2 = lab.node("worker"), lab.node("worker2")

    def mounted(name: str, place: str = "") -> Object:
        return {"hostPath": {"path": f"{MOUNT}/{place or name}"}}

    label = {"matchExpressions": [{"key": "example.com/disk", "operator": "In", "values": ["ssd"]}]}
    found = [
        *volume("host-path", mounted("host-path"), "host-path", node=worker),
        *volume("local", {"local": {"path": f"{MOUNT}/local"}}, "local", node=worker2),
        *volume("inside", {"hostPath": {"path": "/opt/inside"}}, "inside", node=worker),
        *volume("nfs", {"nfs": {"server": "192.0.2.1", "path": "/export"}}, "nfs"),
        *volume(
            "iscsi", {"iscsi": {"targetPortal": "192.0.2.1", "iqn": "iqn.2000-01.com.example:x", "lun": 0}}, "iscsi"
        ),
        *volume("csi", {"csi": {"driver": "disk.csi.example.com", "volumeHandle": "one"}}, "csi"),
        *volume("tied", {"csi": {"driver": "disk.csi.example.com", "volumeHandle": "two"}}, "tied", node=worker),
        *volume("block", {"local": {"path": "/dev/loop7"}}, "block", node=worker, volumeMode="Block"),
        *volume("never", mounted("never"), node=worker),
        *volume("missing", mounted("missing"), "missing", node=worker),
        *volume("outer", mounted("outer"), "outer", node=worker),
        *volume("inner", mounted("outer/inner"), "inner", node=worker),
        *volume("twin", mounted("outer"), "twin", node=worker),
        *volume("shared", mounted("shared"), "shared", accessModes=["ReadWriteMany"]),
        *volume("released", mounted("released"), "released", node=worker),
        *volume("failed", mounted("failed"), "failed", node=worker),
        *volume("lost", mounted("lost"), "lost", node=worker),
        *volume("going", mounted("going"), "going", node=worker),
        *volume("labelled", mounted("labelled"), "labelled", nodeAffinity={"required": {"nodeSelectorTerms": [label]}}),
        *volume("some", {"hostPath": {"path": "/some/some"}}, "some"),
    ]
    pending = volume("pending", {}, "pending", storageClassName="standard")[1]
    del pending["spec"]["volumeName"]
    return [*found, pending]


def workloads() -> list[Object]:
    """Deployments: with what can be mounted, an ephemeral volume, a claim that is going, and an idle one."""
    image = workload_image()
    sleep = ["sleep", "86400"]
    template = {"spec": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Mi"}}}}
    scratch: dict[str, Any] = scene.pod(image, sleep, ["scratch"])
    scratch["volumes"] = [{"name": "scratch", "ephemeral": {"volumeClaimTemplate": template}}]
    return [
        deployment("app", scene.pod(image, sleep, ["host-path", "outer", "inner", "twin", "shared", "inside"])),
        deployment("second", scene.pod(image, sleep, ["local", "labelled"])),
        deployment("ephemeral", scratch),
        deployment("going", scene.pod(image, sleep, ["going"])),
        deployment("idle", scene.pod(image, sleep, ["pending"]), replicas=0),
    ]


def end_some(lab: Lab) -> None:
    """Bring claims and volumes into the states Released, Failed and Lost."""
    until("all claims are bound", lambda: list(lab.phases().values()).count("Bound") >= 40, 120)
    retain = json.dumps({"spec": {"persistentVolumeReclaimPolicy": "Retain"}})
    for name in ("released", "failed", "lost"):
        lab.kubectl("patch", "pv", name, "-p", retain)
    lab.kubectl("delete", "pvc", "released", "failed")
    until("the volumes are Released", lambda: lab.phases()["pv/failed"] == "Released", 60)
    lab.kubectl(
        "patch", "pv", "failed", "--subresource=status", "--type=merge", "-p", '{"status": {"phase": "Failed"}}'
    )
    lab.kubectl("delete", "pv", "lost", "--wait=false")
    lab.kubectl("patch", "pv", "lost", "--type=merge", "-p", '{"metadata": {"finalizers": null}}', check=False)
    until("the claim is Lost", lambda: lab.phases().get("pvc/lost") == "Lost", 60)


def ephemeral(lab: Lab) -> str:
    """The volume of the Deployment ephemeral."""
    claims = lab.objects("pvc")
    return next(c["spec"]["volumeName"] for name, c in claims.items() if name.startswith("ephemeral-"))


def show(lab: Lab, table: Table) -> None:
    told = lab.ask("volume_info")
    found = {item["name"]: item for item in told.result.get("volumes", ())}
    table.each("info", {name: name in found for names in KINDS.values() for name in names}, told)
    table.note("info", "NFS, iSCSI and other network sources", "192.0.2.1:/export" in str(found.get("nfs")), told)
    table.note("info", "CSI", "disk.csi.example.com" in str(found.get("csi")), told)
    table.note("info", "generic ephemeral", ephemeral(lab) in found, told)
    table.note("info", "Lost claim", told.names("default/lost"), told)
    table.note("info", "hostPath or local, inside one node", found.get("inside", {}).get("host_directory") == "", told)


def refuse(lab: Lab, table: Table) -> None:
    """What must not be stopped, backed up or deleted."""
    for check in (True, False):
        missing = lab.ask("volume_backup", check=check, path=str(lab.top / "b1"), names=["missing"])
        kind = "static, directory missing, bound"
        table.note("backup", kind, missing.failed and missing.names(f"{lab.top}/volumes/missing"), missing)
        some = lab.ask("volume_backup", check=check, path=str(lab.top / "b2"), names=["some"])
        kind = "no affinity, mounted on some nodes or on none"
        table.note("backup", kind, some.failed and some.names(lab.node("worker2")), some)
        going = lab.ask("volume_detach", check=check, names=["going"])
        table.note("detach", "Terminating", going.failed and going.names("default/going"), going)
    replicas = lab.objects("deployments")["going"]["spec"]["replicas"]
    table.note("detach", "Terminating", replicas == 1 and "pvc/going" in lab.phases())
    whole = lab.ask("kind_cluster_recreate", check=True, path=str(lab.top / "b3"), data="archive")
    table.note("recreate", "Terminating", whole.failed, whole)
    table.note("recreate", "static, directory missing, bound", whole.failed, whole)
    table.note("recreate", "no affinity, mounted on some nodes or on none", whole.failed, whole)
    rescued = lab.ask("volume_backup", path=str(lab.top / "b4"), names=["going"])
    policy = lab.objects("pv")["going"]["spec"]["persistentVolumeReclaimPolicy"]
    table.note("backup", "Terminating", not rescued.failed and policy == "Retain", rescued)
    absent = lab.ask("kind_cluster", check=True, state="absent")
    named = {item["name"] for item in absent.result.get("details", ())}
    free = {"never", "default.library"}
    table.each("absent", {name: (name in named) != (name in free) for v in KINDS.values() for name in v}, absent)
    table.note("absent", "generic ephemeral", ephemeral(lab) not in named, absent)


def remove_refused(lab: Lab) -> None:
    """The pod of the Terminating claim ends: its volume was set to Retain, so that the data is there."""
    lab.kubectl("delete", "deployment", "going")
    until("the claim is gone", lambda: "pvc/going" not in lab.phases(), 120)
    retain = json.dumps({"spec": {"persistentVolumeReclaimPolicy": "Retain"}})
    for name in ("missing", "some"):
        lab.kubectl("patch", "pv", name, "-p", retain)
        lab.kubectl("delete", "pvc", name, "--wait=false")
    for name in REFUSED:
        lab.kubectl("delete", "pv", name, "--wait=false")
    until("they are gone", lambda: not {f"pv/{name}" for name in REFUSED} & lab.phases().keys(), 120)


def policies(lab: Lab) -> dict[str, str]:
    return {name: item["spec"]["persistentVolumeReclaimPolicy"] for name, item in lab.objects("pv").items()}


def detach(lab: Lab, table: Table) -> None:
    scratch = ephemeral(lab)
    stopped = lab.ask("volume_detach", wait_timeout=120)
    now = policies(lab)
    found = {item["name"]: item for item in stopped.result.get("volumes", ())}
    used = {name for names in KINDS.values() for name in names} - {*REFUSED, *NO_CLAIM, *UNUSABLE}
    used.discard("default.library")
    table.each("detach", {name: not stopped.failed and now.get(name) == "Retain" for name in used}, stopped)
    table.each("detach", {name: not found.get(name, {}).get("in_use_by") for name in UNUSABLE}, stopped)
    table.note("detach", "generic ephemeral", now.get(scratch, "Delete") == "Delete", stopped)
    back = lab.ask("volume_detach", state="attached", wait=True, wait_timeout=180)
    then = policies(lab)
    table.each("detach", {name: then[name] == "Delete" for name in used}, back)


def recreate(lab: Lab, table: Table) -> bool:
    """False if no cluster is left to use."""
    before = {name: phase for name, phase in lab.phases().items() if "ephemeral" not in name and "pv/pvc-" not in name}
    (lab.top / "volumes" / "library" / "added").write_text("while it runs")
    asked: Object = {"path": str(lab.backup), "data": "archive", "wait_timeout": 240}
    tied = lab.ask("kind_cluster_recreate", check=True, **asked)
    kind = "CSI, tied to nodes by its affinity"
    table.note("recreate", kind, tied.failed and tied.names("accept_loss=['tied']"), tied)
    made = lab.ask("kind_cluster_recreate", accept_loss=["tied"], **asked)
    if made.failed:
        for kind in KINDS:
            table.note("recreate", kind, False, made)
        return False
    until(
        "the claims have settled",
        lambda: "Pending" not in {**lab.phases(), "pvc/pending": "", "pvc/lost": ""}.values(),
        60,
    )
    after = lab.phases()
    good = {
        name: after.get(f"pv/{name}") == phase
        for name, phase in ((n[3:], p) for n, p in before.items() if n[:3] == "pv/")
    }
    good |= {"failed": after.get("pv/failed") in ("Released", "Failed")}
    table.each("recreate", good, made)
    claims = {n[4:]: after.get(n) == "Bound" for n, p in before.items() if n[:4] == "pvc/" and p == "Bound"}
    table.each("recreate", claims, made)
    table.note(
        "recreate",
        "Pending claim",
        after.get("pvc/pending") == "Pending" and "idle" in lab.objects("deployments"),
        made,
    )
    table.note("recreate", "Lost claim", "pvc/lost" not in after and made.names("default/lost"), made)
    table.note("recreate", "CSI", made.names("disk.csi.example.com"), made)
    table.note("backup", "NFS, iSCSI and other network sources", made.names("192.0.2.1"), made)
    inside = subprocess.run(
        ["docker", "exec", lab.node("worker"), "cat", "/opt/inside/file"], capture_output=True, text=True, check=False
    )
    table.note("recreate", "hostPath or local, inside one node", inside.stdout == "of inside\n", made)
    node = lab.objects("nodes")[lab.node("worker2")]
    labelled = node["metadata"]["labels"].get("example.com/disk") == "ssd"
    tainted = any(taint["key"] == "example.com/own" for taint in node["spec"].get("taints", ()))
    table.note("recreate", "affinity to another label", labelled and tainted, made)
    for name in ("app", "second", "ephemeral"):
        lab.kubectl("rollout", "status", f"deployment/{name}", "--timeout=120s", check=False)
    running = {name: item["status"].get("readyReplicas") for name, item in lab.objects("deployments").items()}
    table.note("recreate", "generic ephemeral", running.get("ephemeral") == 1, made)
    table.note(
        "recreate", "hostPath or local, mounted from the host", running.get("app") == running.get("second") == 1, made
    )
    return True


def restore(lab: Lab, table: Table) -> None:
    """Volumes and claims that are gone, with their data on the host, come back from the backup."""
    lost = ("host-path", "outer", "inner", "nfs", "csi", "block", "released", "labelled")
    lab.ask("volume_detach", wait_timeout=120)
    lab.ask("volume_backup", path=str(lab.backup), data="archive")
    for name in lost:
        lab.kubectl("delete", "pvc", name, "--wait=false", "--ignore-not-found")
        lab.kubectl("delete", "pv", name, "--wait=false")
    until("they are gone", lambda: not {f"pv/{name}" for name in lost} & lab.phases().keys(), 120)
    for name in ("outer", "host-path"):
        shutil.rmtree(lab.top / "volumes" / name)
    back = lab.ask("volume_restore", path=str(lab.backup))
    after = lab.phases()
    table.each("restore", {n: after.get(f"pv/{n}") == ("Released" if n == "released" else "Bound") for n in lost}, back)
    for name in ("outer", "outer/inner", "host-path"):
        file = lab.top / "volumes" / name / "file"
        same = file.is_file() and file.read_text() == f"of {name}"
        table.each("restore", {name.rpartition("/")[2]: same}, back)


def remove(lab: Lab, table: Table) -> None:
    """With a backup of all of them the cluster may be deleted."""
    lab.ask("volume_detach", wait_timeout=120)
    saved = lab.ask("volume_backup", path=str(lab.backup), data="archive")
    tied = lab.ask("kind_cluster", check=True, state="absent", backup=str(lab.backup))
    table.note("absent", "CSI, tied to nodes by its affinity", tied.failed and tied.names("tied"), tied)
    gone = lab.ask("kind_cluster", state="absent", backup=str(lab.backup), accept_loss=["tied"])
    done = not saved.failed and not gone.failed
    table.each("absent", {name: done for names in KINDS.values() for name in names if name not in REFUSED}, gone)
    kept = (lab.top / "volumes" / "local" / "file").read_text() == "of local"
    table.note("absent", "hostPath or local, mounted from the host", kept, gone)
