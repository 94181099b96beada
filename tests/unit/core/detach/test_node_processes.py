"""Which processes use a directory, from the mounts and links of a node."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.kindlab.volumes.plugins.module_utils._core.detach.node_processes import directory_users
from ansible_collections.kindlab.volumes.plugins.module_utils._core.detach.proc import Mount, Process, ProcessSnapshot
from ansible_collections.kindlab.volumes.plugins.module_utils._core.errors import CommandFailed
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kind.nodes import is_below

# The node: its root, kind's volume for /var, and a directory of the host for the provisioner.
NODE = ("0:43 / /", "254:0 /docker/_data /var", "254:0 /host/v /var/v")
OWN = ("/var", "/var/v")
POD = ("0:50 / /", "0:51 / /proc")
UID, OTHER = "2c62d51a", "7921cbc1"


def table(lines: Iterable[str]) -> tuple[Mount, ...]:
    """Mounts from 'DEVICE INSIDE POINT', each on what was visible at its point before."""
    found: list[Mount] = []
    for number, line in enumerate(lines):
        device, inside, point = line.split(" ", 2)
        below = [mount for mount in found if is_below(point, mount.point)]
        parent = max(below, key=lambda mount: (len(mount.point), int(mount.id)), default=None)
        found.append(Mount(str(number), parent.id if parent else "none", point, (device, inside)))
    return tuple(found)


class Node:
    """A node with init, and what is added to it."""

    def __init__(self, *mounts: str) -> None:
        self.processes: dict[int, Process] = {}
        self.mounts = {"node": table(NODE + mounts)}
        self.links: list[tuple[Process, str, str]] = []
        self.add(1, "systemd", "node", cwd="/", root="/", exe="/sbin/init")

    def add(self, pid: int, name: str, namespace: str, uid: str = "", **links: str) -> None:
        self.processes[pid] = Process(pid, name, uid, namespace)
        self.links += [(self.processes[pid], kind, link) for kind, link in links.items()]

    def pod(self, *mounts: str, pid: int = 20, name: str = "app", uid: str = UID, **links: str) -> None:
        """A pod with one container."""
        self.mounts[f"ns{pid}"] = table(POD + mounts)
        self.add(pid, name, f"ns{pid}", uid, **{"cwd": "/", "root": "/", "exe": "/app", **links})

    def snapshot(self, real: Mapping[str, str]) -> ProcessSnapshot:
        return ProcessSnapshot("n", "node", real, tuple(self.processes.values()), self.mounts, tuple(self.links))

    def all(
        self, directories: Mapping[str, str], own: Iterable[str] = OWN, real: Mapping[str, str] | None = None
    ) -> dict[str, list[str]]:
        """Volume -> its users as 'PID NAME [POD] WHY'."""
        paths = {path: path for path in (*directories.values(), *own)}
        found = directory_users(self.snapshot({**paths, **(real or {})}), directories, own)
        assert {user.node for users in found.values() for user in users} <= {"n"}
        return {
            name: [" ".join(filter(None, (str(u.pid), u.process, u.pod, u.why))) for u in users]
            for name, users in found.items()
        }

    def of(self, directory: str, own: Iterable[str] = OWN, real: Mapping[str, str] | None = None) -> list[str]:
        return self.all({"v": directory}, own, real)["v"]


@pytest.mark.parametrize(
    "mount, used",
    [
        ("254:0 /host/v/pvc-1 /data", True),
        ("254:0 /host/v/pvc-1/sub/path /data", True),
        ("254:0 /host/v/pvc-1/file /etc/file", True),
        ("254:0 /host/v /data", False),
        ("254:0 / /data", False),
        ("254:0 /host/v/pvc-10 /data", False),
        ("254:0 /host/v/pvc /data", False),
        ("254:0 /pvc-1 /data", False),
        ("254:1 /host/v/pvc-1 /data", False),
        ("0:4 net:[1] /run/net", False),
    ],
)
def test_mounts_of_pods(mount: str, used: bool) -> None:
    node = Node()
    node.pod(mount)
    assert node.of("/var/v/pvc-1") == ([f"20 app {UID} has mounted {mount.split()[2]}"] if used else [])


def test_all_volumes_are_answered_for() -> None:
    assert Node().all({"a": "/var/v/a", "b": "/srv", "c": "/var/missing/x y\n"}) == {"a": [], "b": [], "c": []}
    assert Node().all({}) == {}


@pytest.mark.parametrize(
    "kind, words",
    [
        ("cwd", "is in"),
        ("root", "has its root in"),
        ("exe", "runs"),
        ("fd", "has open"),
        ("map_files", "has mapped"),
    ],
)
@pytest.mark.parametrize(
    "path, used",
    [
        ("/var/v/p/f", True),
        ("/var/v/p", True),
        ("/var/v/p (deleted)", True),
        ("/var/v/p/f (deleted)", True),
        ("/var/v/pf", False),
        ("/var/v/p2/f", False),
        ("/var/v", False),
        ("/host/v/p", False),
    ],
)
def test_links(kind: str, words: str, path: str, used: bool) -> None:
    node = Node()
    node.add(7, "tool", "node", **{kind: path})
    assert node.of("/var/v/p") == ([f"7 tool {words} {path}"] if used else [])


def test_a_directory_may_be_called_deleted() -> None:
    node = Node()
    node.add(7, "tool", "node", cwd="/var/v/p (deleted)")
    assert node.of("/var/v/p (deleted)") == ["7 tool is in /var/v/p (deleted)"]


def test_links_are_meant_as_their_process_sees_them() -> None:
    node = Node()
    node.pod("254:0 /host/v /data", fd="/data/a/f")
    node.pod("254:1 / /var/v", pid=30, cwd="/var/v/b")
    assert node.all({"a": "/var/v/a", "b": "/var/v/b", "data": "/data/a"}) == {
        "a": [f"20 app {UID} has open /data/a/f"],
        "b": [],
        "data": [],
    }


@pytest.mark.parametrize(
    "later, place",
    [
        ((), "254:0 /host/v/p"),
        (("8:1 /disk /var/v",), "8:1 /disk/p"),
        (("8:1 /disk /var/v", "8:2 / /var/v"), "8:2 /p"),
        (("8:1 / /var/v/p/deeper",), "254:0 /host/v/p"),
        (("8:1 / /var/v/p2",), "254:0 /host/v/p"),
        (("8:1 / /",), "8:1 /var/v/p"),
    ],
)
def test_later_mounts_cover_earlier_ones(later: tuple[str, ...], place: str) -> None:
    node = Node(*later)
    node.pod(f"{place} /data")
    assert f"20 app {UID} has mounted /data" in node.of("/var/v/p")


def test_a_mount_above_covers_those_below_it() -> None:
    node = Node()
    node.mounts["node"] = (*table(NODE), Mount("9", "0", "/var", ("8:1", "/disk")))
    node.pod("254:0 /host/v/p /old")
    node.pod("8:1 /disk/v/p /new", pid=30)
    assert node.of("/var/v/p") == [f"30 app {UID} has mounted /new"]


def test_the_order_of_mounts_is_not_the_order_of_covering() -> None:
    """A mount that was moved to its place is older than what it covers."""
    node = Node()
    moved = Mount("3", "2", "/var/v", ("8:1", "/"))
    node.mounts["node"] = (moved, *table(NODE))
    node.pod("8:1 /p /data")
    assert node.of("/var/v/p") == [f"20 app {UID} has mounted /data"]


def test_the_first_of_all_mounts_may_be_its_own_parent() -> None:
    node = Node()
    first, *others = table(NODE)
    node.mounts["node"] = (Mount("0", "0", "/", first.source), *others)
    node.pod("254:0 /host/v/p /data")
    assert node.of("/var/v/p") == [f"20 app {UID} has mounted /data"]


def test_directories_behind_links() -> None:
    node = Node()
    node.pod("254:0 /host/v/p /data")
    assert node.of("/link", real={"/link": "/var/v/p"}) == [f"20 app {UID} has mounted /data"]


def test_volumes_in_one_another() -> None:
    node = Node()
    node.pod("254:0 /host/v/a/in/deep /data")
    node.pod("254:0 /host/v/a /data", pid=30)
    inner, outer = f"20 app {UID} has mounted /data", f"30 app {UID} has mounted /data"
    directories = {"a": "/var/v/a", "same": "/var/v/a", "in": "/var/v/a/in", "beside": "/var/v/b", "all": "/var/v"}
    assert node.all(directories) == {
        "a": [inner, outer],
        "same": [inner, outer],
        "in": [inner],
        "beside": [],
        "all": [inner, outer],
    }


class TestTheNodesOwn:
    """What the engine has mounted into the node."""

    def test_is_no_holder(self) -> None:
        node = Node("254:0 /host/w /var/v/in")
        assert node.of("/var/v", own=(*OWN, "/var/v/in")) == []
        assert node.of("/var/v", own=("/var",)) == ["1 systemd has mounted /var/v", "1 systemd has mounted /var/v/in"]

    def test_is_known_by_its_real_path(self) -> None:
        node = Node("254:0 /lib/modules /usr/lib/modules")
        real = {"/lib/modules": "/usr/lib/modules"}
        assert node.of("/usr/lib/modules", own=(*OWN, "/lib/modules"), real=real) == []

    def test_is_copied_for_services(self) -> None:
        node = Node()
        node.mounts["private"] = table((*NODE, "0:60 / /tmp"))
        node.add(9, "journald", "private")
        assert node.of("/var/v") == []

    def test_does_not_excuse_what_a_service_has_mounted(self) -> None:
        node = Node()
        node.mounts["private"] = table((*NODE, "254:0 /host/v /srv"))
        node.add(9, "backup", "private")
        assert node.of("/var/v") == ["9 backup has mounted /srv"]

    def test_does_not_excuse_a_pod_that_has_it_at_the_same_place(self) -> None:
        node = Node()
        node.pod("254:0 /host/v /var/v")
        assert node.of("/var/v") == [f"20 app {UID} has mounted /var/v"]

    def test_does_not_excuse_what_lies_over_it(self) -> None:
        assert Node("8:1 / /var/v").of("/var/v") == ["1 systemd has mounted /var/v"]

    def test_does_not_excuse_who_uses_it(self) -> None:
        node = Node()
        node.add(7, "bash", "node", cwd="/var/v")
        assert node.of("/var/v") == ["7 bash is in /var/v"]


def test_what_kubelet_has_mounted_is_its_pods() -> None:
    point = f"/var/lib/kubelet/pods/{UID}/volumes/kubernetes.io~local-volume/v"
    node = Node(f"254:0 /host/v/p {point}", "254:0 /host/v/p /mnt")
    found = ["1 systemd has mounted /mnt", f"1 systemd {UID} has mounted {point}"]
    assert node.of("/var/v/p") == found
    node.mounts["private"] = table((*NODE, f"254:0 /host/v/p {point}"))
    node.add(9, "journald", "private")
    assert node.of("/var/v/p") == found
    node.mounts["node"] = table(NODE)
    assert node.of("/var/v/p") == [f"9 journald has mounted {point}"]


def test_a_pod_that_sees_kubelets_directory_is_its_own_user() -> None:
    point = f"/var/lib/kubelet/pods/{OTHER}/volumes/kubernetes.io~local-volume/v"
    node = Node()
    node.pod(f"254:0 /host/v/p {point}")
    node.pod(f"254:0 /host/v/p {point}", pid=30, uid="")
    assert node.of("/var/v/p") == [f"20 app {UID} has mounted {point}", f"30 app has mounted {point}"]


class TestAnAgentThatMountsTheRootOfTheNode:
    """A monitoring agent has copies of all mounts of the node below its own."""

    ROOT = ("0:43 / /host", "254:0 /docker/_data /host/var", "254:0 /host/v /host/var/v")

    def test_does_not_use_a_volume_that_is_a_mount_of_the_node(self) -> None:
        node = Node()
        node.pod(*self.ROOT)
        assert node.of("/var/v") == []

    def test_uses_what_it_has_open(self) -> None:
        node = Node()
        node.pod(*self.ROOT, fd="/host/var/v/f")
        node.pod(*self.ROOT, pid=30, uid=OTHER, cwd="/host/var/v/sub")
        assert node.of("/var/v") == [f"20 app {UID} has open /host/var/v/f", f"30 app {OTHER} is in /host/var/v/sub"]

    def test_uses_what_it_mounts_itself(self) -> None:
        """At another place, or another directory at that place."""
        node = Node()
        node.pod(*self.ROOT, "254:0 /host/v /data")
        node.pod(*self.ROOT[:2], "254:0 /host/v/sub /host/var/v", pid=30)
        assert node.of("/var/v") == [f"20 app {UID} has mounted /data", f"30 app {UID} has mounted /host/var/v"]

    @pytest.mark.parametrize("there", [True, False])
    def test_does_not_use_what_kubelet_has_or_had_mounted(self, there: bool) -> None:
        """Without propagation its copy outlives the mount of kubelet."""
        point = f"/var/lib/kubelet/pods/{OTHER}/volumes/kubernetes.io~local-volume/v"
        node = Node(*([f"254:0 /host/v/p {point}"] if there else []))
        node.pod(*self.ROOT, f"254:0 /host/v/p /host{point}")
        assert node.of("/var/v/p") == ([f"1 systemd {OTHER} has mounted {point}"] if there else [])

    def test_may_mount_a_part_of_the_node(self) -> None:
        node = Node()
        node.pod("254:0 /docker/_data /rootfs/var", "254:0 /host/v /rootfs/var/v")
        assert node.of("/var/v") == []

    def test_is_no_excuse_for_a_pod_with_a_root_of_its_own(self) -> None:
        node = Node()
        node.pod("254:0 /host/v /var/v")
        node.pod("254:0 /host/v/p /host/var/v/p", pid=30)
        assert node.of("/var/v") == [f"20 app {UID} has mounted /var/v", f"30 app {UID} has mounted /host/var/v/p"]


def test_a_mount_inside_the_directory() -> None:
    node = Node("0:70 / /var/v/p/cache")
    node.mounts["private"] = table((*NODE, "0:71 / /var/v/p/other"))
    node.add(9, "service", "private")
    assert node.of("/var/v/p") == ["1 systemd has mounted /var/v/p/cache", "9 service has mounted /var/v/p/other"]


def test_a_container_is_listed_once_for_each_mount() -> None:
    node = Node()
    node.pod("254:0 /host/v/p/a /data", "254:0 /host/v/p/b /more", pid=30, cwd="/data", fd="/more/f")
    for pid in (31, 32):
        node.add(pid, "worker", "ns30", UID, cwd="/data", fd="/data/f")
    node.pod("254:0 /host/v/p /data", pid=40, name="sidecar")
    assert node.of("/var/v/p") == [
        f"30 app {UID} has mounted /data",
        f"30 app {UID} has mounted /more",
        f"40 sidecar {UID} has mounted /data",
    ]


def test_a_process_is_listed_once() -> None:
    node = Node()
    for pid in (7, 8):
        node.add(pid, "tool", "node", cwd="/var/v/p/a", fd="/var/v/p/f", exe="/var/v/q/tool")
    assert node.all({"p": "/var/v/p", "q": "/var/v/q"}) == {
        "p": ["7 tool is in /var/v/p/a", "8 tool is in /var/v/p/a"],
        "q": ["7 tool runs /var/v/q/tool", "8 tool runs /var/v/q/tool"],
    }


def test_processes_outside_of_the_pod_are_listed_beside_it() -> None:
    """A debugger in the pod's namespace, a pod in the node's, and what happens to use the same mount as a pod."""
    point = f"/var/lib/kubelet/pods/{UID}/volumes/v"
    node = Node(f"254:0 /host/v/p {point}")
    node.pod("254:0 /host/v/p /data", pid=20)
    node.add(21, "strace", "ns20", fd="/data/f")
    node.add(22, "nsenter", "node", OTHER, fd="/var/v/p/f")
    node.add(23, "rsync", "node", fd=f"{point}/f")
    node.add(24, "nsenter", "node", UID, cwd=f"{point}")
    assert node.of("/var/v/p") == [
        f"1 systemd {UID} has mounted {point}",
        f"20 app {UID} has mounted /data",
        "21 strace has open /data/f",
        f"22 nsenter {OTHER} has open /var/v/p/f",
        f"23 rsync has open {point}/f",
        f"24 nsenter {UID} is in {point}",
    ]


def test_a_file_below_a_mount_that_was_covered_meanwhile() -> None:
    node = Node()
    node.mounts["private"] = table((*NODE, "0:70 / /var"))
    node.add(9, "service", "private", fd="/var/v/p/f")
    assert node.of("/var/v/p") == ["9 service has open /var/v/p/f"]


def test_where_all_are_in_a_chroot_the_rest_is_taken_for_the_nodes() -> None:
    node = Node()
    node.mounts["jail"] = table(["8:1 / /jail/etc"])
    node.add(9, "jailed", "jail", root="/jail", cwd="/var/v/p")
    assert node.of("/var/v/p") == ["9 jailed is in /var/v/p"]
    assert node.of("/jail") == ["9 jailed has its root in /jail", "9 jailed has mounted /jail/etc"]


def test_a_namespace_is_named_by_its_first_process() -> None:
    node = Node()
    node.pod("254:0 /host/v/p /data", pid=20)
    node.add(21, "shell", "ns20", UID)
    node.mounts["nobody's"] = table((*POD, "254:0 /host/v/p /data"))
    assert node.of("/var/v/p") == [f"20 app {UID} has mounted /data"]


@pytest.mark.parametrize("unread", ["node", "ns20"])
def test_a_snapshot_without_all_mounts_is_an_error(unread: str) -> None:
    node = Node()
    node.pod()
    del node.mounts[unread]
    with pytest.raises(CommandFailed, match="of node n"):
        node.of("/var/v/p")


def test_a_node_without_a_root_is_an_error() -> None:
    node = Node()
    node.mounts["node"] = table(NODE)[1:]
    with pytest.raises(CommandFailed, match="of node n"):
        node.of("/srv")


def test_names_are_shown_on_one_line() -> None:
    node = Node()
    node.add(7, "a\nb\udcff", "node", fd="/var/v/p/ü c\nd\udcfe\x1b")
    assert node.of("/var/v/p") == [r"7 a\nb\udcff has open /var/v/p/ü c\nd\udcfe\x1b"]


PATHS = st.lists(st.sampled_from(["a", "b", "ab"]), max_size=4).map(lambda parts: "/" + "/".join(parts))


@given(st.dictionaries(st.sampled_from("stuvwxyz"), PATHS), st.sampled_from(["1:1", "1:2"]), PATHS, PATHS)
def test_users_are_those_that_a_comparison_of_all_paths_finds(
    directories: dict[str, str], device: str, inside: str, link: str
) -> None:
    node = Node()
    node.mounts = {"node": table(["1:1 / /"])}
    node.add(1, "systemd", "node")
    node.links = []
    node.pod(f"{device} {inside} /data", fd=f"/data{link}".rstrip("/"))
    found = node.all(directories, own=("/",))
    mounted, opened = (inside, device), (f"{inside}{link}".replace("//", "/").rstrip("/") or "/", device)
    for name, directory in directories.items():
        by_mount, by_link = (what == "1:1" and is_below(path, directory) for path, what in (mounted, opened))
        words = f"20 app {UID} has mounted /data" if by_mount else f"20 app {UID} has open /data{link}".rstrip("/")
        assert found[name] == ([words] if by_mount or by_link else [])
