"""Which cluster, which directory: a mistaken one is refused with both names, before anything is changed."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

from harness import Row
from labs import Lab, Told, labs, told, volume


def rows() -> Iterator[Row]:
    """A row per case, with two clusters of one node; the second one has the first one's directory, too."""
    with labs("it-own", "it-other") as (own, other):
        data, real, link = own.top / "data", own.top / "real", own.top / "link"
        real.mkdir(parents=True)
        link.symlink_to(real)
        mounts = [{"host_path": str(data), "node_path": "/data"}, {"host_path": str(link), "node_path": "/linked"}]
        own.create(mounts=mounts)
        other.create(mounts=mounts[:1])
        for lab in (own, other):
            lab.ready()
        for name in ("v", "w"):
            (data / name).mkdir()
            (data / name / "file").write_text(name)
        (real / "file").write_text("linked")
        for name, path in (("v", "/data/v"), ("l", "/linked")):
            own.apply(*volume(name, {"hostPath": {"path": path}}, f"c{name}", node=own.node()))
        other.apply(*volume("w", {"hostPath": {"path": "/data/w"}}, "cw", node=other.node()))
        for case in (linked, other_kubeconfig, other_authority, swapped, mounted_over, shared):
            yield from case(own, other)


def linked(own: Lab, _other: Lab) -> Iterator[Row]:
    """A symbolic link as mounted directory, and a volume at the mount's root."""
    saved = own.ask("volume_backup", path=str(own.backup), names=["l"])
    own.kubectl("delete", "pvc", "cl", "--wait=false")
    own.kubectl("delete", "pv", "l", "--wait=false")
    own.kubectl("wait", "--for=delete", "pv/l", "--timeout=60s", check=False)
    back = own.ask("volume_restore", path=str(own.backup), names=["l"])
    ok = not saved.failed and not back.failed and own.phases().get("pvc/cl") == "Bound"
    yield told("a symbolic link as mounted directory", ok, saved, back)


def other_kubeconfig(own: Lab, other: Lab) -> Iterator[Row]:
    """The kubeconfig leads to another cluster: every module refuses, and that cluster is as before."""
    before = versions(other)
    asked: dict[str, dict[str, object]] = {
        "volume_info": {},
        "volume_backup": {"path": str(own.top / "wrong")},
        "volume_detach": {},
        "volume_restore": {"path": str(own.backup)},
        "node_drain": {"node": own.node()},
        "storage_provisioner": {"name": "local_path"},
        "storage_provisioner_info": {},
        "local_data": {"name": "x", "path": str(own.top / "data"), "namespaces": ["default"]},
    }
    for module, options in asked.items():
        seen = own.ask(module, **{**options, "kubeconfig": str(other.kubeconfig)})
        ok = seen.failed and seen.names(own.name) and versions(other) == before
        yield told(f"{module} with the kubeconfig of another cluster", ok, seen)
    seen = own.ask("kind_cluster", check=True, state="absent", kubeconfig=str(other.kubeconfig))
    yield told("kind_cluster with state=absent and that kubeconfig", seen.failed, seen)


def versions(lab: Lab) -> dict[str, str]:
    """The resource versions of what a module could have written."""
    found = [(kind, lab.objects(kind)) for kind in ("pv", "pvc", "storageclasses")]
    return {f"{k}/{n}": item["metadata"]["resourceVersion"] for k, items in found for n, item in items.items()}


def other_authority(own: Lab, other: Lab) -> Iterator[Row]:
    """A cluster of the same name on another machine: node names are equal, the certificate authority is not."""
    authority = "/etc/kubernetes/pki/ca.crt"
    foreign = subprocess.run(["docker", "exec", other.node(), "cat", authority], capture_output=True, check=True).stdout
    inside = ["docker", "exec", "-i", own.node(), "sh", "-c"]
    subprocess.run([*inside, f"cp {authority} /tmp/ca.crt; cat > {authority}"], input=foreign, check=True)
    try:
        seen = [
            own.ask("volume_backup", path=str(own.top / "wrong")),
            own.ask("volume_detach", check=True),
            own.ask("kind_cluster", check=True, state="absent"),
            own.ask("storage_provisioner", check=True, name="local_path"),
            own.ask("node_drain", check=True, node=own.node()),
        ]
    finally:
        subprocess.run([*inside, f"cat /tmp/ca.crt > {authority}"], check=True, stdin=subprocess.DEVNULL)
    names = ("volume_backup", "volume_detach", "kind_cluster absent", "storage_provisioner", "node_drain")
    for name, one in zip(names, seen, strict=True):
        yield told(f"{name}: another cluster of that name", one.failed, one)


def swapped(own: Lab, _other: Lab) -> Iterator[Row]:
    """The directory was replaced by a copy under running nodes."""
    data = own.top / "data"
    shutil.copytree(data, own.top / "copy")
    data.rename(own.top / "old")
    (own.top / "copy").rename(data)
    try:
        yield from mismatched(own, "the directory was swapped", data)
    finally:
        shutil.rmtree(data)
        (own.top / "old").rename(data)


def mounted_over(own: Lab, _other: Lab) -> Iterator[Row]:
    """A disk was mounted over the directory after the nodes had started."""
    data = own.top / "data"
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m", "none", data], check=True)
    try:
        (data / "v").mkdir()
        yield from mismatched(own, "a disk was mounted over it", data)
    finally:
        subprocess.run(["umount", data], check=True)


def mismatched(own: Lab, what: str, data: Path) -> Iterator[Row]:
    path = own.top / "mismatched"
    seen: list[Told] = [own.ask("volume_backup", check=check, path=str(path), names=["v"]) for check in (True, False)]
    named = all(one.failed and one.names(str(data)) for one in seen) and not path.exists()
    yield told(f"{what}: volume_backup", named, *seen)
    gone = own.ask("kind_cluster", check=True, state="absent", backup=str(own.backup))
    yield told(f"{what}: kind_cluster with state=absent", gone.failed, gone)


def shared(own: Lab, other: Lab) -> Iterator[Row]:
    """Two clusters have one directory."""
    saved = own.ask("volume_backup", path=str(own.backup), names=["v"])
    node_map = {own.node(): other.node()}
    back = [
        other.ask("volume_restore", check=check, path=str(own.backup), names=["v"], node_map=node_map)
        for check in (True, False)
    ]
    ok = not saved.failed and all(one.failed and one.names(own.name) for one in back) and "pv/v" not in other.phases()
    yield told("restored into a second cluster with that directory", ok, saved, *back)
    data = own.top / "data"
    pruned = [
        other.ask("volume_prune", check=check, directories=[str(data)], names=[str(data / "v")])
        for check in (True, False)
    ]
    ok = all(one.failed and one.names(str(data / "v")) for one in pruned) and (data / "v" / "file").is_file()
    yield told("the directory of its volume, pruned in the second cluster", ok, *pruned)
