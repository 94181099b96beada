"""Parsing the output of a probe: processes and mounts, and that an incomplete output is an error."""

from __future__ import annotations

import pytest

from ansible_collections.kindlab.volumes.plugins.module_utils._core.detach.proc import (
    Mount,
    Process,
    ProcessSnapshot,
    parse_snapshot,
)
from ansible_collections.kindlab.volumes.plugins.module_utils._core.errors import CommandFailed

NODE, POD = "mnt:[1]", "mnt:[2]"
UID = "2c62d51a-a5ea-4dd6-948c-6b23e5a0de52"
OUTER = "7921cbc1-9717-4d52-bb8d-328ec3e9b566"
SYSTEMD = Process(1, "systemd", "", NODE)
# pid -> its links: the probe itself is 50, 51 is its find, 52 its grep.
LINKS = {
    "1": {"ns/mnt": NODE, "cwd": "/", "root": "/", "exe": "/usr/lib/systemd/systemd"},
    "20": {"ns/mnt": POD, "root": "/", "exe": "/app", "fd": "/data/a b\nc"},
    "50": {"ns/mnt": NODE, "cwd": "/proc", "root": "/", "exe": "/usr/bin/dash"},
    "51": {"ns/mnt": NODE, "cwd": "/proc", "root": "/", "exe": "/usr/bin/find"},
}
NAMES = (
    f"20/cgroup:0::/kubelet/kubepods/besteffort/pod{UID}/1f\n1/comm:systemd\n20/comm:app\n50/comm:sh\n52/comm:grep\n"
)
ROOT = "128 59 0:43 / / rw,relatime shared:12 master:3 - overlay overlay rw"


def text(
    *lines: str,
    links: dict[str, dict[str, str]] | None = None,
    names: str = NAMES,
    real: str = "/v\0/w x\0",
) -> str:
    """A probe for two paths. lines: what follows the node's and the pod's first line of mountinfo."""
    tables = "\n".join(
        ["==> 1/mountinfo <==", ROOT, "", "==> 20/mountinfo <==", "9 8 0:50 / / rw - overlay o rw", *lines]
    )
    pairs = [f"{pid}/{kind}\0{link}\0" for pid, all_ in (links or LINKS).items() for kind, link in all_.items()]
    return f"50\0{real}\0{tables}\n\0{''.join(pairs)}\0{names}\0end\0"


def read(output: str) -> ProcessSnapshot:
    return parse_snapshot("n", output, ["/link/v", "/w x"])


def test_a_complete_output() -> None:
    app = Process(20, "app", UID, POD)
    assert read(text("10 9 254:0 /data/v /data rw master:1 - ext4 /dev/vda rw")) == ProcessSnapshot(
        node="n",
        home=NODE,
        real={"/link/v": "/v", "/w x": "/w x"},
        processes=(SYSTEMD, app),
        mounts={
            NODE: (Mount("128", "59", "/", ("0:43", "/")),),
            POD: (Mount("9", "8", "/", ("0:50", "/")), Mount("10", "9", "/data", ("254:0", "/data/v"))),
        },
        links=(
            (SYSTEMD, "cwd", "/"),
            (SYSTEMD, "root", "/"),
            (SYSTEMD, "exe", "/usr/lib/systemd/systemd"),
            (app, "root", "/"),
            (app, "exe", "/app"),
            (app, "fd", "/data/a b\nc"),
        ),
    )


def test_an_output_that_was_cut_short_is_an_error() -> None:
    whole = text()
    for end in range(len(whole)):
        with pytest.raises(CommandFailed, match="of node n"):
            read(whole[:end])
    assert read(whole)


@pytest.mark.parametrize(
    "output",
    [
        text(real="/v\0"),
        text(real=""),
        text(real="/v\0/w x\0/y\0"),
        text(real="/v\0/w x\0/y\0/z\0"),
        text(names="1/comm:systemd\n20/comm:app\n"),
        text().replace("1/cwd\0", "", 1),
        text().replace("\0end", "\0\0end"),
        text().replace("\0end", "\0more\0more\0end"),
    ],
    ids=[
        "a path too few",
        "no path",
        "a path too many",
        "two paths too many",
        "nothing of the probe itself",
        "half a pair",
        "a field too many",
        "two fields too many",
    ],
)
def test_an_incomplete_output_is_an_error(output: str) -> None:
    with pytest.raises(CommandFailed):
        read(output)


def test_a_probe_without_paths() -> None:
    assert parse_snapshot("n", text(real=""), []).real == {}


def test_threads_of_the_kernel_and_processes_that_ended_are_left_out() -> None:
    odd = {
        "2": {"ns/mnt": NODE, "cwd": "/", "root": "/"},
        "30": {"cwd": "/v", "root": "/", "exe": "/app"},
        "31": {"ns/mnt": NODE, "cwd": "/v", "root": "/", "exe": "/app"},
    }
    found = read(text(links={**LINKS, **odd}, names=f"{NAMES}2/comm:kthreadd\n30/comm:zombie\n"))
    assert [process.pid for process in found.processes] == [1, 20]
    assert {process.pid for process, _kind, _path in found.links} == {1, 20}


def test_processes_are_in_the_order_of_their_numbers() -> None:
    links = {pid: {"ns/mnt": NODE, "root": "/", "exe": "/app"} for pid in ("1", "100", "20", "50")}
    found = read(text(links=links, names=f"{NAMES}100/comm:app\n"))
    assert [process.pid for process in found.processes] == [1, 20, 100]


@pytest.mark.parametrize(
    "comm, name",
    [
        ("20/comm:a: b/cgroup:c", "a: b/cgroup:c"),
        ("20/comm:a\n20/comm:b", "a\nb"),
        ("20/comm:", ""),
        ("20/comm:a\x85b\x0c", "a\x85b\x0c"),
        (f"20/comm:pod{UID[:8]}", f"pod{UID[:8]}"),
    ],
)
def test_names(comm: str, name: str) -> None:
    found = read(text(names=f"1/comm:s\n50/comm:sh\n{comm}\n"))
    assert found.processes[1] == Process(20, name, "", POD)


@pytest.mark.parametrize(
    "cgroup, uid",
    [
        (f"0::/kubelet/kubepods/besteffort/pod{UID}/1f", UID),
        (f"12:pids:/kubelet/kubepods/pod{UID}/1f\n20/cgroup:0::/", UID),
        (
            "0::/kubelet.slice/kubelet-kubepods.slice/kubelet-kubepods-besteffort.slice/"
            f"kubelet-kubepods-besteffort-pod{UID.replace('-', '_')}.slice/cri-containerd-1f.scope",
            UID,
        ),
        ("0::/kubelet/kubepods/burstable/pod3d511a9334714cb9a74febcce0cffaf5/1f", "3d511a9334714cb9a74febcce0cffaf5"),
        (f"0::/kubepods/pod{OUTER}/9e/kubelet/kubepods/pod{UID}/1f", UID),
        ("0::/system.slice/podman.service", ""),
        ("0::/machine.slice/libpod-0123456789abcdef0123456789abcdef.scope", ""),
    ],
    ids=["cgroupfs", "v1", "systemd", "static", "kind in a pod", "podman", "podman's container"],
)
def test_pods(cgroup: str, uid: str) -> None:
    found = read(text(names=f"20/cgroup:{cgroup}\n1/comm:systemd\n20/comm:app\n50/comm:sh\n"))
    assert [process.pod_uid for process in found.processes] == ["", uid]


@pytest.mark.parametrize(
    "line, point, inside",
    [
        (r"10 9 8:1 /a\040b\134040\011\012 /c\040d rw - x y rw", "/c d", "/a b\\040\t\n"),
        ("10 9 8:1 /a\x85b /ü\udcff rw - x y rw", "/ü\udcff", "/a\x85b"),
        ("10 9 8:1 /a//deleted /c rw - x y rw", "/c", "/a"),
        ("10 9 8:1 /a\\040(deleted) /c rw - x y rw", "/c", "/a (deleted)"),
        ("10 9 0:4 net:[4026532812] /run/netns/cni rw shared:1 - nsfs nsfs rw", "/run/netns/cni", "net:[4026532812]"),
    ],
)
def test_mounts_are_called_by_their_names(line: str, point: str, inside: str) -> None:
    mount = read(text(line)).mounts[POD][1]
    assert (mount.point, mount.source[1]) == (point, inside)


def test_mounts_as_a_process_in_a_chroot_sees_them() -> None:
    """It is shown what lies below its root, as if that were all; some of it is known from another process already."""
    links = {**LINKS, "21": {"ns/mnt": POD, "root": "/r", "exe": "/app"}, "22": {"ns/mnt": NODE, "exe": "/app"}}
    lines = ("10 9 8:1 /r /r rw - x y rw", "11 10 8:2 /v /r/v rw - x y rw", "", "==> 21/mountinfo <==")
    seen = ("10 9 8:1 /r / rw - x y rw", "11 10 8:2 /v /v rw - x y rw", "12 10 8:3 / /late rw - x y rw")
    unsure = ("", "==> 22/mountinfo <==", "13 10 8:4 / /unsure rw - x y rw")
    found = read(text(*lines, *seen, *unsure, links=links, names=f"{NAMES}21/comm:app\n22/comm:app\n")).mounts
    assert [(mount.point, mount.source) for mount in found[POD]] == [
        ("/", ("0:50", "/")),
        ("/r", ("8:1", "/r")),
        ("/r/v", ("8:2", "/v")),
        ("/r/late", ("8:3", "/")),
    ]
    assert [mount.point for mount in found[NODE]] == ["/"]


def test_a_namespace_without_mounts_is_unread() -> None:
    """The process that was to show them has ended, another one of that namespace has not."""
    later = {"20": {}, "21": LINKS["20"]}
    assert read(text(links={**LINKS, **later}, names=f"{NAMES}21/comm:app\n")).unread == {POD}
    assert read(text(links={**LINKS, **later})).unread == set()
    home = {**LINKS, "1": {}}
    assert read(text(links=home)).unread == {NODE}
    assert read(text()).unread == set()


def test_a_process_without_mounts_has_shown_them() -> None:
    links = {**LINKS, "21": {"ns/mnt": "mnt:[3]", "root": "/r", "exe": "/app"}}
    found = read(text("", "==> 21/mountinfo <==", links=links, names=f"{NAMES}21/comm:app\n"))
    assert found.mounts["mnt:[3]"] == ()
    assert found.unread == set()
