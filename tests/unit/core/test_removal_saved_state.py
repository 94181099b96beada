"""Whether a backup holds volumes as they are now."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from ansible_collections.kindlab.volumes.plugins.module_utils._core.backup.catalog import (
    Catalog,
    SavedCluster,
    SavedVolume,
)
from ansible_collections.kindlab.volumes.plugins.module_utils._core.data.checksums import Difference
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kube.objects import merged
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kube.volumes import read_volumes
from ansible_collections.kindlab.volumes.plugins.module_utils._core.local_data.manifests import LABEL
from ansible_collections.kindlab.volumes.plugins.module_utils._core.removal import needing_backup, unsaved
from ansible_collections.kindlab.volumes.tests.unit.support.backups import claim, saved_volume, volume

Object = dict[str, Any]
SAVED = saved_volume(0, checksum_list="checksums/v0.jsonl")


def why(
    pv: Object | None = None,
    claims: tuple[Object, ...] = (claim(0),),
    saved: SavedVolume | None = SAVED,
    saved_pv: Object | None = None,
    saved_claims: tuple[Object, ...] = (claim(0),),
    changed: Difference | None = None,
) -> dict[str, str]:
    pv = pv or volume(0)
    catalog = Catalog("2026-01-02T03:04:05Z", SavedCluster("k", "v1"), volumes=(saved,) if saved else ())
    backup = ([saved_pv or volume(0)], saved_claims)
    return unsaved(read_volumes([pv], claims), ([pv], claims), catalog, backup, {"v0": changed or Difference()})


def other(number: int, **spec: Any) -> Object:
    return merged(volume(number), {"spec": spec})


def test_as_it_was_saved() -> None:
    assert why() == {}


def test_what_happens_to_a_volume_is_no_difference() -> None:
    """Its policy, its claim's uid and its phase are not what it is."""
    pv = other(0, persistentVolumeReclaimPolicy="Delete", claimRef={"uid": "1", "resourceVersion": "7"})
    assert why({**pv, "status": {"phase": "Bound"}}) == {}


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"saved": None}, "it is not in the backup"),
        ({"saved_pv": volume(1)}, "it is not in the backup"),
        ({"saved": saved_volume(0)}, "the backup has no checksums of it"),
        ({"saved_claims": ()}, "the backup has not its claim ns/c0"),
        ({"saved": replace(SAVED, claim="")}, "the backup has not its claim ns/c0"),
        (
            {"pv": other(0, capacity={"storage": "2Gi"})},
            "not as it was saved: capacity is 2Gi, in the backup 1Gi",
        ),
        ({"pv": other(0, hostPath={"path": "/data/x"})}, "it is not as it was saved: hostPath is /data/x"),
        ({"pv": other(0, nodeAffinity=None)}, "it is not as it was saved: node is any, in the backup k-worker"),
        ({"changed": Difference(("new",))}, "its data was changed since it was saved: 1 added: new"),
        ({"changed": Difference((), ("a",))}, "its data was changed since it was saved: 1 removed: a"),
        (
            {"changed": Difference((), (), ("a (size)",))},
            "was changed since it was saved: 1 changed: a (size)",
        ),
    ],
)
def test_why_it_does_not_do(given: dict[str, Any], said: str) -> None:
    found = why(**given)
    assert list(found) == ["v0"] and said in found["v0"]


def test_a_claim_made_since() -> None:
    """The volume waited for it when it was saved: without its manifest it would not come back."""
    assert why(claims=(), saved_claims=()) == {}
    assert why(saved_claims=()) == {"v0": "the backup has not its claim ns/c0"}


def test_a_claim_that_is_gone_is_no_loss() -> None:
    assert why(claims=()) == {}


def test_a_volume_that_was_given_to_another_claim() -> None:
    """Both claims were saved, but not that this one has the volume."""
    pv = other(0, claimRef={"name": "c1"})
    assert why(pv, (claim(1),), saved_claims=(claim(0), claim(1))) == {"v0": "the backup has not its claim ns/c1"}


def test_each_volume_for_itself() -> None:
    pvs, claims = [volume(n) for n in range(3)], [claim(n) for n in range(3)]
    catalog = Catalog(
        "2026-01-02T03:04:05Z",
        SavedCluster("k", "v1"),
        volumes=tuple(saved_volume(n, checksum_list=f"checksums/v{n}.jsonl") for n in (0, 2)),
    )
    changed = {"v2": Difference(("new",))}
    found = unsaved(read_volumes(pvs, claims), (pvs, claims), catalog, (pvs, claims), changed)
    assert list(found) == ["v1", "v2"]


def test_who_needs_a_backup() -> None:
    """Not what local_data made, as it makes that again; nor what has no directory in a node."""
    given = merged(volume(1), {"metadata": {"labels": {LABEL: "read-write"}}})
    nfs = merged(volume(2), {"spec": {"hostPath": None, "nfs": {"server": "s", "path": "/p"}}})
    pvs = [volume(0), given, nfs]
    assert [v.name for v in needing_backup(read_volumes(pvs, []), pvs)] == ["v0"]
