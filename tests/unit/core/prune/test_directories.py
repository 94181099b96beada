"""What entries of directories are, by their names and by what backups know."""

from __future__ import annotations

import pytest

from ansible_collections.kindlab.volumes.plugins.module_utils._core.provisioner.registry import made_for
from ansible_collections.kindlab.volumes.plugins.module_utils._core.prune.directories import entry_item, trash_item
from ansible_collections.kindlab.volumes.plugins.module_utils._core.prune.related import Related
from ansible_collections.kindlab.volumes.plugins.module_utils._core.volumes.set_aside import set_aside

VOLUME = "pvc-77c1f5b2-9a0e-4f8e-8f70-4b1f14f0b9de"
FREE = Related(())


@pytest.mark.parametrize(
    ("name", "former"),
    [
        (f"{VOLUME}_ns_old", (VOLUME, "ns/old")),
        (f"{VOLUME}_my-ns_data.set-0", (VOLUME, "my-ns/data.set-0")),
        (f"ns-old-{VOLUME}", (VOLUME, "")),
        (f"{VOLUME}_ns", None),
        (f"{VOLUME}_ns_old_x", None),
        (f"{VOLUME}_Ns_old", None),
        (VOLUME, None),
        ("pvc-1_ns_old", None),
        (f"x{VOLUME}_ns_old", None),
        (f"{VOLUME}_ns_old\n", None),
        ("lost+found", None),
    ],
)
def test_names_that_provisioners_give(name: str, former: tuple[str, str] | None) -> None:
    assert made_for(name) == former
    item = entry_item("/srv", name, FREE, {})
    assert (item.kept is None) == (former is not None) and (item.volume, item.claim) == (former or ("", ""))


def test_a_backup_knows_what_a_name_does_not_say() -> None:
    saved = {
        f"/srv/ns-a-c-{VOLUME}": (VOLUME, "ns-a/c"),
        f"/srv/ns-b-c-{VOLUME}": ("another", "ns-b/c"),
    }
    assert entry_item("/srv", f"ns-a-c-{VOLUME}", FREE, saved).claim == "ns-a/c"
    assert entry_item("/srv", f"ns-b-c-{VOLUME}", FREE, saved).claim == ""


def test_what_people_may_have_made_is_not_pruned_because_a_backup_has_it() -> None:
    saved = {"/srv/data": ("pv", "ns/c")}
    item = entry_item("/srv", "data", FREE, saved)
    assert (item.volume, item.claim) == ("pv", "ns/c") and item.kept and "no provisioner" in item.kept.why
    assert entry_item("/srv", "data", FREE, saved, any_name=True).kept is None
    assert entry_item("/srv", "other", FREE, saved, any_name=True).kept


def test_what_is_in_the_trash_has_its_time() -> None:
    item = trash_item("/srv", "20260102T030405Z", f"{VOLUME}_ns_old")
    assert (item.name, item.claim, item.since) == (
        f"/srv/.kindlab-trash/20260102T030405Z/{VOLUME}_ns_old",
        "ns/old",
        1_767_323_045,
    )


def test_data_that_was_set_aside_has_its_time_and_the_claim_of_its_directory() -> None:
    saved = {"/srv/data": ("pv", "ns/c"), "/srv/other.set-aside-20260102T030405Z": ("own", "ns/own")}
    formers = {f"{VOLUME}_ns_old": (VOLUME, "ns/old"), "data": ("pv", "ns/c"), "other": ("own", "ns/own")}
    for name, former in formers.items():
        item = entry_item("/srv", f"{name}.set-aside-20260102T030405Z", FREE, saved)
        assert (item.kind, item.kept, item.since) == ("set_aside", None, 1_767_323_045)
        assert (item.volume, item.claim) == former
    of_a_volume = Related([("/srv/data.set-aside-20260102T030405Z", "v", "volume v")])
    kept = entry_item("/srv", "data.set-aside-20260102T030405Z", of_a_volume, {}).kept
    assert kept and kept.is_known


def test_what_a_killed_run_was_setting_aside_is_a_last_copy_with_the_rest_of_it() -> None:
    names = [f"{VOLUME}_ns_old", f".{VOLUME}_ns_old.setting-aside"]
    for name in names:
        kept = entry_item("/srv", name, FREE, {}, beside=names).kept
        assert kept and kept.is_last_copy and not kept.is_known
        assert kept.why == (
            f"a killed run was setting aside data of {names[0]}, and part of it is in {names[1]}: running it again "
            "completes that"
        )
    item = entry_item("/srv", f".{VOLUME}_ns_old.removing-aside", FREE, {}, beside=names)
    assert (item.kind, item.kept) == ("leftover", None)


def test_data_that_was_set_aside_may_be_the_only_data_of_a_volume() -> None:
    name = "data.set-aside-20260102T030405Z"
    of_a_volume = Related([("/srv/data", "v", "volume v")])
    for beside, empty, is_only in (([], [], True), (["data"], ["data"], True), (["data"], [], False)):
        kept = entry_item("/srv", name, of_a_volume, {}, beside=beside, empty=empty).kept
        assert bool(kept and kept.is_last_copy) == is_only
        assert entry_item("/srv", name, FREE, {}, beside=beside, empty=empty).kept is None


def test_a_name_that_was_cut_does_not_say_whose_data_it_is() -> None:
    for length in (255, 221):
        path = set_aside(f"/srv/{'x' * (length - 2)}é", "20260102T030405Z")
        kept = entry_item("/srv", path.removeprefix("/srv/"), FREE, {}).kept
        assert kept and kept.is_last_copy
