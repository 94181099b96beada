"""Options that name no claim, no namespace or no user are refused by their name."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.kindlab.volumes.plugins.module_utils._core.errors import BadInput
from ansible_collections.kindlab.volumes.plugins.module_utils._core.local_data.request import (
    NAME,
    NAMESPACE,
    Request,
    User,
    read_request,
    volume_name,
)

OPTIONS = {
    "state": "present",
    "name": "data",
    "namespaces": ["a", "b"],
    "namespaces_too": True,
    "read_only": True,
    "run_as_user": 65534,
    "run_as_group": 65534,
    "supplemental_groups": [],
    "outside_links": "refuse",
}


def test_what_is_asked_for():
    given_ = {"namespaces": ["b", "a", "b"], "supplemental_groups": [5], "run_as_user": 7, "outside_links": "allow"}
    assert read_request({**OPTIONS, **given_}) == Request(
        "data", ("b", "a"), user=User(7, 65534, (5,)), outside_links=True
    )


def test_no_namespace_is_all_of_them_for_a_removal():
    assert read_request({**OPTIONS, "state": "absent", "namespaces": None}).namespaces == ()


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ({"name": "Data"}, "name can't be 'Data'"),
        ({"name": "a" * 252}, "name can't be 'aaa"),
        ({"name": "-a"}, "name can't be '-a'"),
        ({"namespaces": ["a", "A"]}, "namespaces has 'A'"),
        ({"namespaces": ["a.b"]}, "namespaces has 'a.b'"),
        ({"namespaces": ["a" * 64]}, "namespaces has 'aaa"),
        ({"namespaces": []}, "namespaces is empty"),
        ({"namespaces": None}, "namespaces is empty"),
        ({"run_as_user": -1}, "run_as_user can't be -1"),
        ({"run_as_group": 2**32}, "run_as_group can't be 4294967296"),
        ({"supplemental_groups": [1, -2]}, "supplemental_groups can't be -2"),
    ],
)
def test_refused_by_name(asked, said):
    with pytest.raises(BadInput, match=said.replace("(", r"\(")) as caught:
        read_request({**OPTIONS, **asked})
    assert caught.value.next_step


NAMES = st.from_regex(NAME, fullmatch=True)
NAMESPACES = st.from_regex(NAMESPACE, fullmatch=True)


@given(NAMESPACES, NAMES, NAMESPACES, NAMES)
def test_no_two_claims_share_a_volume(one, first, other, second):
    assert (volume_name(one, first) == volume_name(other, second)) is ((one, first) == (other, second))
