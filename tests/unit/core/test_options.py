"""Checks of option values that modules share."""

from __future__ import annotations

import importlib
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from ansible_collections.kindlab.volumes.plugins.module_utils._core.errors import BadInput
from ansible_collections.kindlab.volumes.plugins.module_utils._core.options import check_absolute, conform, defaults
from ansible_collections.kindlab.volumes.plugins.module_utils._sequence import kind_cluster_recreate

UTILS = "ansible_collections.kindlab.volumes.plugins.module_utils"
FOLDER = Path(__file__).resolve().parents[3] / "plugins" / "module_utils" / "_action"
NAMES = sorted(path.stem for path in FOLDER.glob("*.py"))
ACTIONS = (*(importlib.import_module(f"{UTILS}._action.{name}") for name in NAMES), kind_cluster_recreate)
PATHS = [
    (action, name)
    for action in ACTIONS
    for name, option in action.ARGUMENTS.items()
    if "path" in (option.get("type"), option.get("elements"))
]
SPEC: dict[str, Any] = {
    "one": {"type": "path"},
    "many": {"type": "list", "elements": "path"},
    "text": {"type": "str"},
    "inside": {"type": "dict", "options": {"deep": {"type": "path"}}},
    "rows": {"type": "list", "elements": "dict", "options": {"deep": {"type": "path"}}},
}


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"one": "/a", "many": ["/a", "~/b"], "text": "a", "inside": {"deep": "/a"}, "rows": [{"deep": "/a"}]},
        {"one": None, "many": None, "text": None, "inside": None, "rows": None},
        {"one": "", "many": [], "inside": {}, "rows": [{}]},
    ],
)
def test_absolute_paths(options: dict[str, Any]) -> None:
    check_absolute(options, SPEC)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"one": "a"}, "one 'a'"),
        ({"one": "./a"}, "one './a'"),
        ({"many": ["/a", "b"]}, "many 'b'"),
        ({"inside": {"deep": "a"}}, "deep 'a'"),
        ({"rows": [{"deep": "/a"}, {"deep": "b"}]}, "deep 'b'"),
    ],
)
def test_relative_paths(options: dict[str, Any], said: str) -> None:
    with pytest.raises(BadInput, match=f"^{said} is not an absolute path.$"):
        check_absolute(options, SPEC)


@pytest.mark.parametrize(
    ("action", "name"), PATHS, ids=lambda value: str(getattr(value, "__name__", value)).rpartition(".")[2]
)
def test_every_module_refuses_relative_paths_before_it_does_anything(action: ModuleType, name: str) -> None:
    """They would depend on the directory in which Ansible runs the module, which is removed at the end."""
    value: Any = "here" if action.ARGUMENTS[name]["type"] == "path" else ["here"]
    options = {**defaults(action.ARGUMENTS), "name": "local_path", name: value}
    for check_mode in (True, False):
        with pytest.raises(BadInput, match=f"{name} 'here' is not an absolute path"):
            action.run(options, check_mode)


NESTED = {
    "number": {"type": "int"},
    "flag": {"type": "bool"},
    "choice": {"type": "str", "choices": ["a", "b"]},
    "map": {"type": "dict"},
    "any": {"type": "raw"},
    "rows": {
        "type": "list",
        "elements": "dict",
        "options": {"at": {"type": "path", "required": True}, "more": {"type": "str", "default": "x"}},
    },
}


def test_options_within_a_dictionary_get_their_types_and_defaults() -> None:
    given = {"number": "3", "flag": "yes", "choice": None, "any": [1], "rows": [{"at": "~/a"}]}
    expected = {"number": 3, "flag": True, "any": [1], "rows": [{"at": "/home/a", "more": "x"}]}
    assert conform(given, NESTED, "options", lambda path: path.replace("~", "/home")) == expected


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"other": 1}, "options contains other, and its keys must be one of: any, choice"),
        ({"rows": [{"at": "/a"}, {"att": "/b"}]}, "options.rows[1] contains att"),
        ({"rows": [{}]}, "options.rows[0] lacks at"),
        ({"rows": {}}, "options.rows is not a list"),
        ({"rows": ["a"]}, "options.rows[0] is not a dictionary"),
        ({"number": True}, "options.number True is not a number"),
        ({"flag": "perhaps"}, "options.flag 'perhaps' is not true or false"),
        ({"choice": "c"}, "value of options.choice must be one of: a, b, got: c"),
        ({"choice": ["a"]}, "options.choice is not text"),
        ({"map": "a"}, "options.map is not a dictionary"),
        ([], "options is not a dictionary"),
    ],
)
def test_what_does_not_conform_is_named(given: Any, said: str) -> None:
    with pytest.raises(BadInput) as raised:
        conform(given, NESTED, "options")
    assert said in raised.value.message and raised.value.next_step == "Correct options."
