"""Pre-binding: which claim a volume ends up with, and the patches that say so."""

from __future__ import annotations

import pytest

from ansible_collections.kindlab.volumes.plugins.module_utils._core.kube.binding import (
    Binding,
    kept_change,
    policy_change,
    volume_change,
    volume_to_create,
    with_lasting_policy,
)
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kube.volumes import ORIGINAL_POLICY, RETAINED_UNTIL
from ansible_collections.kindlab.volumes.tests.unit.support.backups import claim, volume

CLAIM = claim(0)
EXISTING = {**CLAIM, "metadata": {**CLAIM["metadata"], "uid": "u"}}


def reserved(uid="u", policy="Retain"):
    pv = volume(0)
    pv["spec"] |= {"persistentVolumeReclaimPolicy": policy, "claimRef": {**pv["spec"]["claimRef"], "uid": uid}}
    return pv


@pytest.mark.parametrize(
    ("binding", "binds"),
    [
        (Binding(volume(0), CLAIM), True),
        (Binding(volume(0), None), False),
        (Binding(volume(0), None, reserved(), EXISTING), True),
        (Binding(volume(0), None, reserved("other"), EXISTING), False),
        (Binding(volume(0), None, reserved(), None), False),
    ],
)
def test_a_volume_binds_to_a_wanted_claim_or_to_the_one_it_has(binding, binds):
    assert (binding.name, binding.binds) == ("v0", binds)


def test_a_created_volume_is_retained_and_reserved():
    spec = volume_to_create(reserved(policy="Delete"), "new")["spec"]
    assert (spec["persistentVolumeReclaimPolicy"], spec["claimRef"]["uid"]) == ("Retain", "new")


@pytest.mark.parametrize(
    ("existing", "uid", "patched"),
    [
        (reserved(), "u", False),
        (reserved(policy="Delete"), "u", True),
        (reserved("old"), "u", True),
        (reserved("old"), "", True),
        (volume(0), "", False),
    ],
)
def test_an_existing_volume_is_patched_only_if_it_differs(existing, uid, patched):
    change = volume_change(existing, volume(0), uid)
    assert bool(change) == patched
    if patched:
        assert change["spec"]["persistentVolumeReclaimPolicy"] == "Retain"
        assert change["spec"]["claimRef"]["uid"] == (uid or None)


def test_the_original_policy_takes_its_annotations_away():
    change = policy_change("Delete")
    assert change["spec"] == {"persistentVolumeReclaimPolicy": "Delete"}
    assert change["metadata"]["annotations"] == {ORIGINAL_POLICY: None, RETAINED_UNTIL: None}


@pytest.mark.parametrize(
    ("policy", "recorded"), [("Delete", {"kindlab.volumes/original-reclaim-policy": "Delete"}), ("Retain", {})]
)
def test_a_volume_whose_claim_goes_keeps_its_data(policy, recorded):
    pv = {"metadata": {"name": "v"}, "spec": {"persistentVolumeReclaimPolicy": policy}}
    change = kept_change(pv)
    assert change["spec"] == {"persistentVolumeReclaimPolicy": "Retain"}
    assert change["metadata"]["annotations"] == {RETAINED_UNTIL: None, **recorded}


def test_the_policy_that_a_volume_gets_back():
    annotations = {"kindlab.volumes/original-reclaim-policy": "Delete"}
    spec = {"persistentVolumeReclaimPolicy": "Retain"}
    for_good = {"metadata": {"name": "v", "annotations": annotations}, "spec": spec}
    assert with_lasting_policy(for_good) == for_good
    annotations["kindlab.volumes/retained-until"] = "attached"
    assert with_lasting_policy(for_good)["spec"] == {"persistentVolumeReclaimPolicy": "Delete"}
    assert spec == {"persistentVolumeReclaimPolicy": "Retain"}
