"""Numbers: each option that is one has a smallest and a largest value, and every module refuses others."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from types import ModuleType
from typing import Any

import pytest

from ansible_collections.kindlab.volumes.plugins.module_utils._core.errors import BadInput
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kind.spec import ClusterSpec
from ansible_collections.kindlab.volumes.plugins.module_utils._core.options import LIMITS, check_numbers, defaults
from ansible_collections.kindlab.volumes.tests.unit.core.test_options import ACTIONS

# Checked where they are read: ids, ports, and the levels of a compressor.
ELSEWHERE = {"run_as_user", "run_as_group", "supplemental_groups", "node_port", "host_port", "compression_level"}
GIVEN = {
    "cluster": "none-such",
    "compression_level": 2**40,
    "namespaces": ["a"],
    "node": "n",
    "name": "local-path",
    "path": "/nowhere/at/all",
}


def numbers(spec: Mapping[str, Mapping[str, Any]]) -> Iterator[str]:
    """The names of the options, and suboptions, that are numbers."""
    for name, option in spec.items():
        if "int" in (option.get("type"), option.get("elements")):
            yield name
        yield from numbers(option.get("options") or {})


NUMBERS = [(action, name) for action in ACTIONS for name in action.ARGUMENTS if name in {*LIMITS, *ELSEWHERE}]


def test_every_number_has_limits() -> None:
    found = {name for action in ACTIONS for name in numbers(action.ARGUMENTS)}
    assert found == {*LIMITS, *ELSEWHERE}


@pytest.mark.parametrize(
    ("action", "name"), NUMBERS, ids=lambda value: str(getattr(value, "__name__", value)).rpartition(".")[2]
)
@pytest.mark.parametrize("value", [2**40, -(2**40)])
def test_every_module_refuses_numbers_before_it_does_anything(action: ModuleType, name: str, value: int) -> None:
    many = action.ARGUMENTS[name]["type"] == "list"
    given = {option: value for option, value in GIVEN.items() if option in action.ARGUMENTS}
    given["name"] = "local_path" if "worker_threads" in action.ARGUMENTS else "lab"
    more = {"data": "archive", "compression": "gzip"} if name == "compression_level" else {}
    options = {**defaults(action.ARGUMENTS), **given, **more, name: [value] if many else value}
    for check_mode in (True, False):
        with pytest.raises(BadInput, match=name):
            action.run(options, check_mode)


@pytest.mark.parametrize("name", LIMITS)
def test_limits(name: str) -> None:
    least, most = LIMITS[name]
    check_numbers({name: least})
    check_numbers({name: most})
    check_numbers({name: None})
    for value, said in ((least - 1, f"at least {least}"), (most + 1, f"at most {most}"), ("x", "a number, not 'x'")):
        with pytest.raises(BadInput, match=f"^{name} must be {said}"):
            check_numbers({name: value})


@pytest.mark.parametrize("value", [70_000, -2, 2**40, "9" * 5000, "\u00b2", "--5"])
def test_the_port_of_the_api_server(value: Any) -> None:
    with pytest.raises(BadInput, match="api_server_port"):
        ClusterSpec.from_options({"name": "k", "control_planes": 1, "networking": {"api_server_port": value}})
