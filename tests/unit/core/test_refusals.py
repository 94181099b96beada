"""Refusals: the error that lists them."""

from __future__ import annotations

import pytest

from ansible_collections.kindlab.volumes.plugins.module_utils._core.errors import Declined
from ansible_collections.kindlab.volumes.plugins.module_utils._core.refusals import Refusal, decline


def test_nothing_is_raised_without_a_refusal():
    decline("The volumes cannot be saved", [])
    with pytest.raises(Declined, match="The volumes cannot be saved; nothing was changed"):
        decline("The volumes cannot be saved", [Refusal("v0", "it is in use")])


def test_all_refusals_are_in_the_details_and_each_next_step_is_named_once():
    refusals = [Refusal(f"v{number}", "it is in use", "Stop its pods.", {"node": "n"}) for number in range(12)]
    with pytest.raises(Declined) as caught:
        decline("The volumes cannot be saved", refusals, "Or set force.", "")
    error = caught.value
    assert error.message.startswith("The volumes cannot be saved; nothing was changed:\n- v0: it is in use\n- v1:")
    assert error.message.endswith("\n- v9: it is in use\n- and 2 more")
    assert error.next_step == "\n- Stop its pods.\n- Or set force."
    assert len(error.details) == 12
    assert error.details[0] == {"name": "v0", "why": "it is in use", "next_step": "Stop its pods.", "node": "n"}


def test_a_volume_is_named_with_its_claim_and_the_effect_is_told():
    with pytest.raises(Declined, match=r"^They differ; the nodes were started:\n- ns/c \(v\): it is in use$"):
        decline(
            "They differ", [Refusal("v", "it is in use", details={"claim": "ns/c"})], effect="the nodes were started"
        )
