"""Host directories compared with what nodes have mounted: replaced, covered by another file system, of another host."""

from __future__ import annotations

from dataclasses import replace

from ansible_collections.kindlab.volumes.plugins.module_utils._core.identity.host import bind_paths, compared, sharing
from ansible_collections.kindlab.volumes.plugins.module_utils._core.identity.look import Look, Mounted
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kind.nodes import Mount, Node
from ansible_collections.kindlab.volumes.plugins.module_utils._core.volumes.places import places
from ansible_collections.kindlab.volumes.tests.unit.support.mounts import mismatch_of

ROOT = Mounted("8:1", "/", "ext4")


def node(*mounts: Mount, name: str = "lab-worker", cluster: str = "lab") -> Node:
    return Node(name, cluster, "worker", mounts=mounts or (Mount("/data", "/srv/lab"),))


def inside(stat: tuple[int, int] | None = (1, 7), root: str = "/srv/lab", boot: str = "b", **mounts: Mounted) -> Look:
    """A look at the node; mounts: below /data, _ for /."""
    below = {f"/data/{name.replace('_', '/')}": mounted for name, mounted in mounts.items()}
    shown = {"/": Mounted("0:90", "/", "overlay"), "/data": Mounted("8:1", root, "ext4"), **below}
    return Look(boot, frozenset(), {"/data": stat}, {"/data": "/data"}, shown)


def outside(stat: tuple[int, int] | None = (1, 7), boot: str = "b", real: str = "/srv/lab", **mounts: Mounted) -> Look:
    """A look at the host; mounts: below /srv/lab."""
    below = {f"/srv/lab/{name.replace('_', '/')}": mounted for name, mounted in mounts.items()}
    return Look(boot, frozenset(), {"/srv/lab": stat}, {"/srv/lab": real}, {"/": ROOT, **below})


def found(look: Look, host: Look, engine: str = "docker") -> Mount:
    return compared([node()], {"lab-worker": look}, host, engine)[0].mounts[0]


def test_the_same_directory() -> None:
    assert mismatch_of(found(inside(), outside()), "/data/v1") == ""


def test_a_directory_that_was_replaced_is_named_with_the_one_that_the_node_has() -> None:
    mount = found(inside(root="/srv/lab.old"), outside((1, 8)))
    assert mismatch_of(mount, "/data/v1") == (
        "/srv/lab on the host is not the directory that lab-worker has mounted at /data (/srv/lab.old): it was "
        "replaced, or a file system was mounted on it, after the node had started"
    )
    assert mount.remedy.endswith("restart the node to use that of the host: docker restart lab-worker")


def test_a_directory_that_was_deleted() -> None:
    mount = found(inside(root="/srv/lab//deleted"), outside(None))
    assert mount.mismatch.startswith(
        "/srv/lab does not exist on this host, but lab-worker has it mounted at /data (/srv/lab (deleted))"
    )


def test_a_file_system_mounted_on_a_subdirectory_of_the_host() -> None:
    mount = found(inside(), outside(big=Mounted("8:17", "/", "xfs")))
    assert mount.mismatch == ""
    assert mismatch_of(mount, "/data/other") == mismatch_of(mount, "/data/bigger") == ""
    why = "/srv/lab/big on the host has a file system mounted that /data/big in lab-worker has not"
    # The volume above it, which the host cannot read as a whole, too.
    assert {mismatch_of(mount, path) for path in ("/data/big", "/data/big/v1", "/data")} == {why}


def test_a_file_system_mounted_on_both_sides() -> None:
    disk = Mounted("8:17", "/", "xfs")
    assert found(inside(big=disk), outside(big=disk)).submounts == ()
    other = found(inside(big=disk), outside(big=Mounted("8:33", "/", "xfs")))
    assert mismatch_of(other, "/data/big/v1").startswith("/srv/lab/big on the host has another file system")


def test_a_file_system_mounted_in_the_node_only() -> None:
    mount = found(inside(v1_fuse=Mounted("0:99", "/", "fuse.s3")), outside())
    assert mismatch_of(mount, "/data/v1/fuse/x").startswith("/data/v1/fuse in lab-worker has a file system mounted")
    # A pod's own mounts are no data of the volume.
    assert mismatch_of(mount, "/data/v1") == ""


def test_another_host() -> None:
    for host in (outside(boot="other"), outside(None, boot="other"), outside(boot="")):
        mount = found(inside(), host)
        assert (
            mount.mismatch == "/srv/lab of this host is not what lab-worker has at /data: docker runs on another host"
        )
        assert mount.remedy == "Run this on the host of docker: docker context show; echo $DOCKER_HOST"


def test_a_virtual_machine_that_shares_directories_of_this_host() -> None:
    shared = Look("vm", frozenset(), {"/data": (5, 9)}, {"/data": "/data"}, {"/data": Mounted("0:50", "/", "virtiofs")})
    assert found(shared, outside()).mismatch == ""
    assert "runs on another host" in found(shared, outside(None)).mismatch


def test_what_is_not_known_is_no_mismatch() -> None:
    unreadable = Look("b", real={"/srv/lab": "/srv/lab"}, mounts={"/": ROOT})
    assert found(inside(), unreadable).mismatch == ""
    assert found(inside(boot=""), outside((1, 8))).mismatch == ""
    assert compared([node()], {}, outside((1, 8)), "docker")[0].mounts[0].mismatch == ""


def test_a_node_that_cannot_be_looked_at() -> None:
    mount = found(Look(error="docker did not finish within 30 seconds"), outside())
    assert mount.mismatch == "lab-worker cannot be compared with the host: docker did not finish within 30 seconds"


def test_a_symbolic_link_becomes_the_directory_that_it_leads_to() -> None:
    own = compared([node()], {"lab-worker": inside()}, outside(real="/mnt/big/data"), "docker")[0]
    assert own.host_directory("/data/v1") == "/mnt/big/data/v1"
    assert own.mounts[0].mismatch == ""


def test_nodes_of_other_clusters_that_share_a_directory() -> None:
    def other(name: str, path: str, **options: bool) -> Node:
        return node(Mount("/elsewhere", path, **options), name=f"{name}-worker", cluster=name)

    same, above, below = other("a", "/srv/lab"), other("b", "/srv"), other("c", "/srv/lab/v1")
    control = Node("c-control-plane", "c", "control-plane")
    modules = Mount("/lib/modules", "/lib/modules")
    rest = [other("d", "/srv/lab2"), other("e", "/srv/lab", read_only=True), node(modules, cluster="f")]
    own = node(Mount("/data", "/srv/lab"), modules)
    assert sharing([own], [same, above, below, control, *rest]) == (same, above, below, control)
    assert bind_paths([own, same]) == ["/srv/lab", "/lib/modules"]


def test_a_host_directory_that_does_not_answer() -> None:
    host = replace(outside(), silent=frozenset(["/srv/lab"]))
    for looks in ({"lab-worker": inside()}, {}):
        mount = compared([node()], looks, host, "docker")[0].mounts[0]
        assert mismatch_of(mount, "/data/v1") == "the file system of /srv/lab on the host does not answer"
        assert not mount.answers
        assert mount.remedy.endswith("unmount it: sudo umount --force --lazy /srv/lab")
    assert found(inside(), replace(outside(), silent=frozenset(["/srv/other"]))).mismatch == ""


def test_each_file_system_below_a_mount_has_its_own_remedy() -> None:
    host = replace(outside(big=Mounted("8:17", "/", "xfs")), silent=frozenset(["/srv/lab/a", "/srv/lab/b"]))
    (own,) = compared([node()], {"lab-worker": inside()}, host, "docker")
    remedies = [place.remedy for name in ("a", "b", "big") for place in places(f"/data/{name}", (), [own])]
    assert [remedy.rpartition(": ")[2] for remedy in remedies] == [
        "sudo umount --force --lazy /srv/lab/a",
        "sudo umount --force --lazy /srv/lab/b",
        "docker restart lab-worker",
    ]
