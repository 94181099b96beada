"""What a pod's user could not use is reported with the next step, and links are followed as the kernel does."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.kindlab.volumes.plugins.module_utils._core.errors import BadInput
from ansible_collections.kindlab.volumes.plugins.module_utils._core.local_data.access import (
    Contents,
    Entry,
    check_contents,
    escapes,
)
from ansible_collections.kindlab.volumes.plugins.module_utils._core.local_data.location import DirectoryLocation
from ansible_collections.kindlab.volumes.plugins.module_utils._core.local_data.request import Request, User

LOCATION = DirectoryLocation("/srv/a b", "/mnt/data", ("k-worker",), "podman")


@pytest.mark.parametrize(
    ("links", "out"),
    [
        ({"a": "b"}, False),
        ({"a": "."}, False),
        ({"a": ".."}, True),
        ({"d/a": ".."}, False),
        ({"d/a": "../.."}, True),
        ({"a": "d/../../e"}, True),
        ({"a": "/srv/data/x"}, False),
        ({"a": "/srv/data"}, False),
        ({"a": "/srv/data/../etc"}, True),
        ({"a": "/srv/database"}, True),
        ({"a": "/"}, True),
        ({"a": "b/x", "b": "/etc"}, True),
        ({"a": "b/x", "b": "d"}, False),
        ({"a": "b/..", "b": "d/e"}, False),
        ({"a": "b/../..", "b": "d/e"}, False),
        ({"a": "b/../../..", "b": "d/e"}, True),
        ({"a": "d/b/../..", "d/b": "/srv/data/e"}, True),
        ({"a": "d/b/..", "d/b": "/srv/data/e"}, False),
        ({"a": "b", "b": "a"}, False),
        ({"a": "a/../.."}, False),
        ({"a": "missing/x"}, False),
    ],
)
def test_links_that_lead_out(links: dict[str, str], out: bool) -> None:
    assert escapes("a" if "a" in links else "d/a", links, "/srv/data") is out


NAMES = st.sampled_from(["a", "b", "d", "d/a", "d/b", "d/e/a"])
PARTS = st.lists(st.sampled_from(["a", "b", "d", "e", ".", ".."]), min_size=1, max_size=5)


@given(st.dictionaries(NAMES, st.tuples(st.booleans(), PARTS), min_size=1, max_size=4))
def test_links_lead_where_the_kernel_would_go(wanted: dict[str, tuple[bool, list[str]]]) -> None:
    with tempfile.TemporaryDirectory() as made:
        top = Path(os.path.realpath(made)) / "top"
        (top / "d" / "e").mkdir(parents=True)
        links = {}
        for name, (absolute, parts) in wanted.items():
            target = f"{top}/{'/'.join(parts)}" if absolute else "/".join(parts)
            if os.path.lexists(top / name) or not (top / name).parent.is_dir() or (top / name).parent.is_symlink():
                continue
            os.symlink(target, top / name)
            links[name] = target
        for name in links:
            try:
                real = str((top / name).resolve(strict=True))
            except (OSError, RuntimeError):
                continue
            assert escapes(name, links, str(top)) is not (real == str(top) or real.startswith(f"{top}/")), links


def denied(**of: object) -> Entry:
    return Entry(**{"kind": "f", "mode": "640", "uid": 1000, "gid": 1001, "path": "secret", **of})


def refusal(request: Request, *entries: Entry) -> BadInput:
    with pytest.raises(BadInput) as caught:
        check_contents(request, LOCATION, Contents({}, entries))
    return caught.value


def test_an_entry_that_can_not_be_read() -> None:
    error = refusal(Request("n", user=User(2000, 3000)), denied(kind="d", mode="700", path=""))
    assert error.message == (
        "A pod running as user 2000 (group 3000) could not read 1 path in /srv/a b: "
        ". (directory, mode 700, owner 1000:1001). "
        "Nothing was changed."
    )
    assert error.next_step == (
        "On the host: chmod -R a+rX '/srv/a b' or: setfacl -R -m u:2000:rX '/srv/a b'. "
        "Or set the user that the pods run as (run_as_user=1000 is the owner)."
    )
    assert error.tried == "podman exec k-worker setpriv --reuid=2000 --regid=3000 --clear-groups ls -la /mnt/data"
    assert error.details == [{"kind": "d", "mode": "700", "uid": 1000, "gid": 1001, "path": ""}]


def test_an_entry_that_can_not_be_written_to() -> None:
    error = refusal(Request("n", read_only=False, user=User(2000, 3000, (5, 6))), denied(uid=1), denied(uid=2))
    assert "user 2000 (groups 3000, 5, 6) could not read and write 2 paths" in error.message
    assert "setfacl -R -m u:2000:rwX,d:u:2000:rwX '/srv/a b'" in error.next_step
    assert "chmod" not in error.next_step
    assert "is the owner" not in error.next_step


def test_a_user_is_not_told_to_be_itself() -> None:
    error = refusal(Request("n", user=User(1000, 1000)), denied(mode="0"))
    assert "Or set the user that the pods run as." in error.next_step


def test_many_entries_are_counted_and_the_first_are_shown() -> None:
    entries = tuple(denied(path=f"secret{number:04}") for number in range(1200))
    error = refusal(Request("n"), *entries)
    assert "could not read 1200 paths" in error.message
    assert "secret0009" in error.message and "secret0010" not in error.message
    assert "and 1190 more" in error.message
    assert len(error.details) == 1000


def test_a_name_that_is_no_text_can_be_told() -> None:
    error = refusal(Request("n"), denied(path="\udcff"))
    assert '"\\udcff" (file' in error.message
    assert error.details[0]["path"] == '"\\udcff"'


def test_links_are_told_unless_they_are_allowed() -> None:
    found = Contents({"in": "x", "out": "../x", "far": "/etc"})
    with pytest.raises(BadInput, match="/srv/a b has 2 symbolic links that point outside") as caught:
        check_contents(Request("n"), LOCATION, found)
    assert caught.value.details == ["far -> /etc", "out -> ../x"]
    assert "allow_external_symlinks=true" in caught.value.next_step
    check_contents(Request("n", allow_external_symlinks=True), LOCATION, found)
