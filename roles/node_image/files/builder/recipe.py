"""The steps that build the node image. To add a program, add a step, its name in node.PROGRAMS and ../go/cmd/NAME."""

from __future__ import annotations

from functools import partial

import node
import programs
import rootfs
from sources import Sources
from steps import Recipe, Step

MODULES = ("go/go.mod", "go/go.sum", "builder/programs.py")


def load(sources: Sources, suite: str) -> Recipe:
    version = sources.version
    local_path = sources.required("github.com/rancher/local-path-provisioner")
    library = sources.required("sigs.k8s.io/sig-storage-lib-external-provisioner/v13")
    images = {
        "local_path": f"kindlab/local-path-provisioner:v{local_path}",
        "hostpath": f"kindlab/hostpath-provisioner:v{library}",
        "busybox": f"kindlab/busybox:{suite}",
        "podnet": f"kindlab/podnet:v{version}",
    }
    steps = [
        Step(
            "kube",
            f"Kubernetes {version}",
            partial(programs.kube, version),
            (*MODULES, "go/cmd/kube", "go/netfilter", "go/podnet"),
            megabytes=3000,
        ),
        Step("etcd", "etcd", programs.etcd, MODULES, megabytes=1000),
        Step("coredns", "CoreDNS", programs.coredns, (*MODULES, "go/cmd/coredns"), megabytes=1000),
        Step(
            "local-path-provisioner", "local-path-provisioner", programs.local_path_provisioner, MODULES, megabytes=1000
        ),
        Step(
            "hostpath-provisioner",
            "hostpath-provisioner",
            programs.hostpath_provisioner,
            (*MODULES, "go/cmd/hostpath-provisioner", "go/hostdir"),
            megabytes=1000,
        ),
        Step(
            "rootfs",
            f"Debian {suite} for a node",
            partial(rootfs.make, suite),
            ("builder/rootfs.py",),
            {"suite": suite},
            root=True,
            megabytes=1500,
        ),
        Step(
            "node",
            "the node image",
            partial(node.make, version, images),
            ("builder/node.py", "builder/images.py", "builder/archive.py", "node"),
            images,
            needs=("rootfs", *node.PROGRAMS),
            root=True,
            megabytes=3000,
        ),
    ]
    return Recipe(sources, steps)
