"""The node image: Debian as one layer; on it programs, settings and the images, stored once for all nodes."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import tarfile
from collections.abc import Mapping
from datetime import datetime, timezone
from pathlib import Path

import archive
import images
from command import ALONE
from errors import BuildError
from steps import Work

NODE_PROGRAMS = ("kubeadm", "kubectl", "kubelet")
# Steps whose results are programs of that name.
PROGRAMS = ("kube", "etcd", "coredns", "local-path-provisioner", "hostpath-provisioner")
BLOBS = "io.containerd.content.v1.content/blobs/sha256"
SNAPSHOTS = "io.containerd.snapshotter.v1.overlayfs/snapshots"
SHARED = "kind/images"  # what nodes share lies outside of /var, which every node copies


def reference(version: str, key: str) -> str:
    return f"kindlab/node:v{version}-{key}"


def make(version: str, own: Mapping[str, str], work: Work) -> None:
    lower, upper, store = (work.out / name for name in ("lower", "upper", "store"))
    for directory in (lower, upper, store):
        directory.mkdir()
    rootfs = work.inputs["rootfs"] / "rootfs.tar"
    work.runner.run(["tar", "-C", lower, "--numeric-owner", "-xpf", rootfs])
    programs = {name: work.inputs[name] / name for name in PROGRAMS}
    names = images.kubeadm_names(programs["kube"], work.out, work.runner)
    _settings(work.sources / "node", upper, version, {**own, "pause": names["pause"]})
    _install(programs["kube"], upper)
    layers = images.write(images.define(names, own, programs, lower), work.out, work.out / "images.tar")
    work.runner.run(
        [*ALONE, "sh", work.sources / "builder/import_images.sh", work.out, *layers],
        hint="the cache's file system must carry overlay mounts, as an overlay does not: see kindlab_cache",
    )
    for layer in layers:  # containerd would collect them in its own time
        (store / BLOBS / layer.partition(":")[2]).unlink(missing_ok=True)
    _share(store, upper)
    archive.pack(upper, work.out / "node.tar")
    labels = {"kindlab.kubernetes": version, **{f"kindlab.image.{name}": value for name, value in own.items()}}
    _write_image(work, [rootfs, work.out / "node.tar"], labels, reference(version, work.tools["key"]))
    for name in ("lower", "upper", "store", "merged", "overlay"):
        shutil.rmtree(work.out / name)
    for name in ("images.tar", "node.tar"):
        (work.out / name).unlink()


def _settings(source: Path, upper: Path, version: str, names: Mapping[str, str]) -> None:
    """The files of ../node without .in, with image names for @NAME_IMAGE@. What begins with #! is a program."""
    for path in sorted(path for path in source.rglob("*") if path.is_file()):
        content = path.read_text()
        for name, value in names.items():
            content = content.replace(f"@{name.upper()}_IMAGE@", value)
        target = upper / path.relative_to(source).with_suffix("" if path.suffix == ".in" else path.suffix)
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(content)
        target.chmod(0o755 if content.startswith("#!") else 0o644)
    (upper / "kind/version").write_text(f"v{version}")


def _install(kube: Path, upper: Path) -> None:
    programs = upper / "usr/bin"
    programs.mkdir(parents=True)
    shutil.copyfile(kube, programs / "kube")
    (programs / "kube").chmod(0o755)
    for name in NODE_PROGRAMS:
        (programs / name).symlink_to("kube")
    for directory in ("etc/kubernetes/manifests", "etc/cni/net.d"):
        (upper / directory).mkdir(parents=True)


def _share(store: Path, upper: Path) -> None:
    """Move layers out of containerd's directory and leave links: no node copies them, all run the same pages."""
    kube = upper / "usr/bin/kube"
    for snapshot in sorted((store / SNAPSHOTS).iterdir(), key=lambda path: int(path.name)):
        shared = upper / SHARED / snapshot.name
        shared.parent.mkdir(exist_ok=True)
        (snapshot / "fs").rename(shared)
        (snapshot / "fs").symlink_to(f"/{SHARED}/{snapshot.name}")
        twin = shared / "usr/local/bin/kube"
        if twin.exists():
            twin.unlink()
            os.link(kube, twin)
    target = upper / "var/lib/containerd"
    if target.exists():
        target.rmdir()
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copytree(store, target, symlinks=True)


def _write_image(work: Work, layers: list[Path], labels: Mapping[str, str], name: str) -> None:
    """A docker archive, its small files first: who wants to know what it is need not read it all."""
    config = {
        "architecture": images.architecture(),
        "os": "linux",
        "created": datetime.now(timezone.utc).isoformat(),
        "config": {
            "Env": ["PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "container=docker"],
            "Entrypoint": ["/usr/local/bin/entrypoint", "/sbin/init"],
            "StopSignal": "SIGRTMIN+3",
            "Labels": dict(labels),
        },
        "rootfs": {"type": "layers", "diff_ids": [f"sha256:{archive.digest(layer)}" for layer in layers]},
    }
    manifest = [{"Config": "config.json", "RepoTags": [name], "Layers": [layer.name for layer in layers]}]
    target = work.out / "image.tar.zst"
    with (
        target.open("wb") as file,
        subprocess.Popen(["zstd", "-q", "-3", "-T0"], stdin=subprocess.PIPE, stdout=file) as zstd,
    ):
        if zstd.stdin is None:
            raise BuildError("zstd takes no input")
        with tarfile.open(fileobj=zstd.stdin, mode="w|") as tar:
            images.add_text(tar, "manifest.json", json.dumps(manifest).encode())
            images.add_text(tar, "config.json", json.dumps(config).encode())
            for layer in layers:
                tar.add(layer, arcname=layer.name)
        zstd.stdin.close()
    if zstd.returncode:
        raise BuildError("zstd could not write the image's archive", work.runner.log)
