"""Looks at nodes: parsed output, certificates, and the host's path of what a node has mounted."""

from __future__ import annotations

import pytest

from ansible_collections.kindlab.volumes.plugins.module_utils._core.errors import CommandFailed
from ansible_collections.kindlab.volumes.plugins.module_utils._core.identity.look import (
    Look,
    Mounted,
    certificates,
    parse_look,
    parse_mounts,
)
from ansible_collections.kindlab.volumes.tests.unit.support.fakes import CA

MOUNTS = r"""1 0 8:1 / / rw - ext4 /dev/sda1 rw
30 1 8:1 /srv/lab\040one /data rw,relatime shared:7 - ext4 /dev/sda1 rw
31 1 8:17 / /mnt/big rw - xfs /dev/sdb1 rw
32 1 0:44 / /mnt/big rw - tmpfs tmpfs rw
"""


def test_mounts_with_blanks_and_the_last_of_several_at_one_point() -> None:
    assert parse_mounts(MOUNTS) == {
        "/": Mounted("8:1", "/", "ext4"),
        "/data": Mounted("8:1", "/srv/lab one", "ext4"),
        "/mnt/big": Mounted("0:44", "/", "tmpfs"),
    }


def test_a_look_with_a_path_that_is_not_there() -> None:
    text = "\0".join(["b-1\n", CA, "2049 12\n", "", "/data", "/run/x", MOUNTS, "end", ""])
    look = parse_look("n", text, ["/data", "/var/run/x"])
    assert (look.boot, look.stats) == ("b-1", {"/data": (2049, 12), "/var/run/x": None})
    assert look.real == {"/data": "/data", "/var/run/x": "/run/x"}
    assert look.certificates == certificates(CA)
    assert look.mounts["/data"].root == "/srv/lab one"


@pytest.mark.parametrize("text", ["", "b\0", "\0".join(["b", CA, "1 2", "/data", MOUNTS, "", ""])])
def test_an_incomplete_look(text: str) -> None:
    with pytest.raises(CommandFailed, match="mounts of node n"):
        parse_look("n", text, ["/data"])


def test_certificates_do_not_depend_on_how_they_are_written() -> None:
    assert len(certificates(CA)) == 1
    assert certificates(CA) == certificates(f"comment\n{CA.replace('2x', '2x' + chr(10))}\n")
    assert certificates("no certificate") == certificates("") == frozenset()


def test_the_path_on_the_host_of_what_a_node_has_mounted() -> None:
    host = Look(mounts=parse_mounts("1 0 8:1 / / rw - ext4 d rw\n2 1 8:17 /exports /mnt/big rw - xfs d rw\n"))
    assert host.path_of(Mounted("8:1", "/srv/lab.old", "ext4")) == "/srv/lab.old"
    assert host.path_of(Mounted("8:1", "/srv/lab//deleted", "ext4")) == "/srv/lab (deleted)"
    assert host.path_of(Mounted("8:17", "/exports/a", "xfs")) == "/mnt/big/a"
    assert host.path_of(Mounted("8:17", "/exports", "xfs")) == "/mnt/big"
    assert host.path_of(Mounted("8:17", "/other", "xfs")) == "/other of device 8:17"
