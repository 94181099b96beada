"""The images that pods of a fresh cluster run, each one layer, written as an archive that containerd imports."""

from __future__ import annotations

import io
import json
import os
import platform
import re
import shutil
import subprocess
import tarfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import archive
from command import Runner

ARCHITECTURES = {"x86_64": "amd64", "aarch64": "arm64"}
SEARCH_PATH = "PATH=/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
KUBE_PROGRAMS = ("kube-apiserver", "kube-controller-manager", "kube-proxy", "kube-scheduler", "podnet")
# iptables and conntrack with the libraries that they are linked to
IPTABLES_PACKAGES = (
    "libc6",
    "libip4tc2",
    "libip6tc2",
    "libmnl0",
    "libnetfilter-conntrack3",
    "libnfnetlink0",
    "libnftnl11",
    "libxtables12",
    "iptables",
    "conntrack",
)


@dataclass(frozen=True)
class Layer:
    """Files of images: `fill` writes them into an empty directory."""

    name: str
    fill: Callable[[Path], None]


@dataclass(frozen=True)
class Image:
    name: str
    layers: Sequence[Layer]
    entrypoint: Sequence[str] = ()
    command: Sequence[str] = ()


def kubeadm_names(kube: Path, work: Path, runner: Runner) -> dict[str, str]:
    """What kubeadm calls the images that it needs: {'etcd': <full name>, 'pause': ..., 'kube-proxy': ...}."""
    kubeadm = work / "kubeadm"  # the binary is what it is called
    kubeadm.symlink_to(kube)
    version = runner.output([kubeadm, "version", "--output", "short"]).strip()
    names = runner.output([kubeadm, "config", "images", "list", "--kubernetes-version", version]).split()
    kubeadm.unlink()
    return {name.rpartition("/")[2].partition(":")[0]: name for name in names}


def define(names: Mapping[str, str], own: Mapping[str, str], programs: Mapping[str, Path], root: Path) -> list[Image]:
    """`names` are kubeadm's, `own` are this collection's; `root` is the node's file system."""
    kube = Layer("kube", partial(_kube, programs["kube"]))
    iptables = Layer("iptables", partial(_iptables, root))
    return [
        *(Image(names[name], [kube]) for name in ("kube-apiserver", "kube-controller-manager", "kube-scheduler")),
        Image(names["kube-proxy"], [kube, iptables]),
        Image(own["podnet"], [kube, iptables], ["podnet"]),
        Image(names["etcd"], [_single("etcd", programs["etcd"], "usr/local/bin/etcd")]),
        Image(names["coredns"], [_single("coredns", programs["coredns"], "coredns")], ["/coredns"]),
        Image(names["pause"], [_single("pause", root / "usr/bin/catatonit", "pause")], ["/pause", "-P"]),
        _provisioner(own["local_path"], "local-path", programs),
        _provisioner(own["hostpath"], "hostpath", programs),
        Image(own["busybox"], [Layer("busybox", partial(_busybox, root))], command=["sh"]),
    ]


def write(images: Sequence[Image], work: Path, target: Path) -> list[str]:
    """Write the archive; returns the digests of its layers."""
    digests: dict[str, str] = {}
    manifest = []
    with tarfile.open(target, "w") as tar:
        for number, image in enumerate(images):
            for layer in image.layers:
                if layer.name not in digests:
                    digests[layer.name] = _add_layer(layer, work, tar)
            config = f"{number}.json"
            add_text(tar, config, json.dumps(_config(image, [digests[layer.name] for layer in image.layers])).encode())
            layers = [f"{layer.name}.tar" for layer in image.layers]
            manifest.append({"Config": config, "RepoTags": [image.name], "Layers": layers})
        add_text(tar, "manifest.json", json.dumps(manifest).encode())
    return list(digests.values())


def architecture() -> str:
    return ARCHITECTURES.get(platform.machine(), platform.machine())


def add_text(tar: tarfile.TarFile, name: str, content: bytes) -> None:
    entry = tarfile.TarInfo(name)
    entry.size = len(content)
    tar.addfile(entry, io.BytesIO(content))


def _add_layer(layer: Layer, work: Path, tar: tarfile.TarFile) -> str:
    top, file = work / f"layer-{layer.name}", work / f"layer-{layer.name}.tar"
    top.mkdir()
    layer.fill(top)
    archive.pack(top, file, as_root=True)
    shutil.rmtree(top)
    tar.add(file, arcname=f"{layer.name}.tar")
    digest = archive.digest(file)
    file.unlink()
    return f"sha256:{digest}"


def _config(image: Image, layers: Sequence[str]) -> dict[str, object]:
    config = {
        "Env": [SEARCH_PATH],
        "Entrypoint": list(image.entrypoint),
        "Cmd": list(image.command),
        # keeps images of the same layers apart: with equal configurations they would be one image of many names
        "Labels": {"kindlab.image": image.name},
    }
    rootfs = {"type": "layers", "diff_ids": list(layers)}
    return {"architecture": architecture(), "os": "linux", "config": config, "rootfs": rootfs}


def _single(layer: str, source: Path, name: str) -> Layer:
    return Layer(layer, lambda top: _program(top, name, source))


def _provisioner(image: str, name: str, programs: Mapping[str, Path]) -> Image:
    program = f"usr/local/bin/{name}-provisioner"
    return Image(image, [_single(name, programs[f"{name}-provisioner"], program)], [f"/{program}"])


def _program(top: Path, name: str, source: Path) -> None:
    target = top / name
    target.parent.mkdir(parents=True, exist_ok=True)
    os.link(source, target)


def _kube(kube: Path, top: Path) -> None:
    _program(top, "usr/local/bin/kube", kube)
    for name in KUBE_PROGRAMS:
        (top / "usr/local/bin" / name).symlink_to("kube")


def _iptables(root: Path, top: Path) -> None:
    """kube-proxy and the pod network's agent drive iptables: those packages' files, out of the node's own."""
    _merged_directories(root, top)
    for package in IPTABLES_PACKAGES:
        for name in _package_files(root, package):
            _copy(root, top, name)
    for directory in ("run", "tmp", "etc"):
        (top / directory).mkdir(exist_ok=True)


def _merged_directories(root: Path, top: Path) -> None:
    """/bin and its like are links into /usr: packages still name files by the old paths."""
    for link in ("bin", "sbin", "lib", "lib64"):
        if (root / link).is_symlink():
            (top / link).symlink_to(os.readlink(root / link))
            (top / os.readlink(root / link)).mkdir(parents=True, exist_ok=True)


def _package_files(root: Path, package: str) -> list[str]:
    lists = root / "var/lib/dpkg/info"
    found = [path for path in (lists / f"{package}.list", lists / f"{package}:{architecture()}.list") if path.exists()]
    unwanted = re.compile(r"/usr/share/|/etc/|.*/gconv/")
    return [line.lstrip("/") for line in found[0].read_text().splitlines() if not unwanted.match(line)]


def _copy(root: Path, top: Path, name: str) -> None:
    """One file of a package; its path may lead through the links that merge /lib into /usr/lib."""
    source = root / name
    if not source.is_symlink() and source.is_dir():
        return
    target = top / os.path.relpath(os.path.realpath(source.parent), os.path.realpath(root)) / source.name
    target.parent.mkdir(parents=True, exist_ok=True)
    if not target.is_symlink() and not target.exists():
        shutil.copy2(source, target, follow_symlinks=False)


def _busybox(root: Path, top: Path) -> None:
    """Not the static build: that one crashes when it looks up a name."""
    _merged_directories(root, top)
    for name in _package_files(root, "libc6"):
        if Path(name).name.startswith(("ld-linux", "libc.so.", "libresolv.so.")):
            _copy(root, top, name)
    _program(top, "usr/bin/busybox", root / "usr/bin/busybox")
    for applet in subprocess.check_output(["chroot", root, "busybox", "--list"], text=True).split():
        if applet != "busybox":
            (top / "usr/bin" / applet).symlink_to("busybox")
    for directory, mode in (("etc", 0o755), ("root", 0o700), ("tmp", 0o1777), ("var", 0o755)):
        (top / directory).mkdir()
        (top / directory).chmod(mode)
    (top / "etc/passwd").write_text("root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534:nobody:/:/bin/false\n")
    (top / "etc/group").write_text("root:x:0:\nnogroup:x:65534:\n")
