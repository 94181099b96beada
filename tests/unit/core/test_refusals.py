"""One error for all reasons to decline a request."""

from __future__ import annotations

import pytest

from ansible_collections.kindlab.volumes.plugins.module_utils._core.errors import Declined
from ansible_collections.kindlab.volumes.plugins.module_utils._core.refusals import Refusal, decline


def test_all_reasons_and_next_steps() -> None:
    refusals = [Refusal(f"v{n:02}", f"reason {n}", f"Step {n % 2}.", {"claim": f"a/{n}"}) for n in range(12)]
    with pytest.raises(Declined) as raised:
        decline("It is refused", refusals, "Or use force.")
    error = raised.value
    assert error.details == [refusal.as_dict() for refusal in refusals]
    assert error.details[0] == {"name": "v00", "why": "reason 0", "next_step": "Step 0.", "claim": "a/0"}
    assert error.message.startswith(
        "It is refused; nothing was changed:\n- v00 (a/0): reason 0\n- v01 (a/1): reason 1\n"
    )
    assert "v09 (a/9)" in error.message and "v10" not in error.message and error.message.endswith("and 2 more")
    assert error.next_step == "\n- Step 0.\n- Step 1.\n- Or use force."


def test_without_refusals_nothing_is_declined() -> None:
    decline("It is refused", (), "Or use force.")
