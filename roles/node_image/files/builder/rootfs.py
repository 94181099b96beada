"""A node's operating system: Debian with systemd and containerd, and nothing that a node never uses."""

from __future__ import annotations

import shutil
from pathlib import Path

import archive
from command import ALONE
from steps import Work

PACKAGES = (
    # a node
    "systemd",
    "systemd-sysv",
    "dbus",
    "containerd",
    "runc",
    "containernetworking-plugins",
    "iptables",
    "conntrack",
    "iproute2",
    "ethtool",
    "socat",
    "util-linux",
    "mount",
    "kmod",
    "procps",
    "hostname",
    "ca-certificates",
    "tar",
    "gzip",
    "zstd",
    "jq",
    # what images in it are made from
    "busybox",
    "catatonit",
)
CNI_PLUGINS = ("bandwidth", "bridge", "host-local", "loopback", "portmap", "ptp", "tuning")
# Units that expect a machine rather than a container, and directories that say nothing to a node.
UNWANTED = (
    "lib/systemd/system/multi-user.target.wants/*",
    "lib/systemd/system/local-fs.target.wants/*",
    "lib/systemd/system/basic.target.wants/*",
    "etc/systemd/system/*.wants/*",
    "lib/systemd/system/sockets.target.wants/*udev*",
    "lib/systemd/system/sockets.target.wants/*initctl*",
    "lib/systemd/system/sysinit.target.wants/systemd-tmpfiles-setup.service",
    "usr/lib/cni",
    "usr/share/doc",
    "usr/share/man",
    "usr/share/locale",
    "usr/share/info",
    "usr/share/lintian",
    "usr/lib/udev/hwdb.d",
    "etc/udev/hwdb.d",
    "var/cache/*",
    "var/lib/apt/lists/*",
    "var/log/*",
    "debootstrap",
    "etc/machine-id",
    "var/lib/dbus/machine-id",
    "etc/hostname",
    "etc/resolv.conf",
)


def make(suite: str, work: Work) -> None:
    root = work.out / "root"
    packages = f"--include={','.join(PACKAGES)}"
    work.runner.run(
        # however debootstrap ends, nothing of it goes on and no /proc stays mounted in the directory
        [*ALONE, "debootstrap", "--variant=minbase", packages, suite, root, work.tools["mirror"]],
        env={"LC_ALL": "C", "DEBIAN_FRONTEND": "noninteractive"},
        hint=f"see whether {work.tools['mirror']} can be reached (or set node_image_debian_mirror), then run again",
    )
    _keep_cni_plugins(root)
    for pattern in UNWANTED:
        for path in root.glob(pattern):
            _remove(path)
    with (root / "etc/systemd/journald.conf").open("a") as journald:
        journald.write("ReadKMsg=no\n")  # the kernel's messages are the host's
    archive.pack(root, work.out / "rootfs.tar")
    shutil.rmtree(root)


def _keep_cni_plugins(root: Path) -> None:
    target = root / "opt/cni/bin"
    target.mkdir(parents=True)
    for name in CNI_PLUGINS:
        (root / "usr/lib/cni" / name).rename(target / name)


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink()
