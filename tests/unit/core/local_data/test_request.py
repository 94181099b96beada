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
    volume_name,
)

OPTIONS = {
    "state": "present",
    "name": "data",
    "namespaces": ["a", "b"],
    "create_namespaces": True,
    "read_only": True,
    "run_as_user": 65534,
    "run_as_group": 65534,
    "supplemental_groups": [],
    "allow_external_symlinks": False,
    "force": False,
}


def test_what_is_asked_for():
    given_ = {
        "namespaces": ["b", "a", "b"],
        "supplemental_groups": [5],
        "run_as_user": 7,
        "allow_external_symlinks": True,
    }
    assert Request.from_options({**OPTIONS, **given_}) == Request(
        "data", ("b", "a"), user=User(7, 65534, (5,)), allow_external_symlinks=True
    )


def test_no_namespace_is_all_of_them_for_a_removal():
    assert Request.from_options({**OPTIONS, "state": "absent", "namespaces": None}).namespaces == ()


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ({"name": "Data"}, "name 'Data' is not valid"),
        ({"name": "a" * 252}, "name 'aaa"),
        ({"name": "-a"}, "name '-a' is not valid"),
        ({"namespaces": ["a", "A"]}, "namespaces: 'A' is not"),
        ({"namespaces": ["a.b"]}, "namespaces: 'a.b' is not"),
        ({"namespaces": ["a" * 64]}, "namespaces: 'aaa"),
        ({"namespaces": []}, "namespaces is empty"),
        ({"namespaces": None}, "namespaces is empty"),
        ({"run_as_user": -1}, "run_as_user must not be -1"),
        ({"run_as_group": 2**32}, "run_as_group must not be 4294967296"),
        ({"supplemental_groups": [1, -2]}, "supplemental_groups must not be -2"),
    ],
)
def test_refused_by_name(asked, said):
    with pytest.raises(BadInput, match=said.replace("(", r"\(")) as caught:
        Request.from_options({**OPTIONS, **asked})
    assert caught.value.next_step


NAMES = st.from_regex(NAME, fullmatch=True)
NAMESPACES = st.from_regex(NAMESPACE, fullmatch=True)


@given(NAMESPACES, NAMES, NAMESPACES, NAMES)
def test_no_two_claims_share_a_volume(one, first, other, second):
    assert (volume_name(one, first) == volume_name(other, second)) is ((one, first) == (other, second))
