# Copyright: kindlab.volumes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Argument specs that modules share, and checks of their values."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from .engines import ENGINES
from .errors import BadInput

Spec = dict[str, dict[str, Any]]

_BOOLEANS = {"true": True, "yes": True, "on": True, "1": True, "false": False, "no": False, "off": False, "0": False}

CLUSTER: Spec = {"cluster": {"type": "str", "default": "kind"}}
ENGINE: Spec = {"engine": {"type": "str", "default": "auto", "choices": ["auto", *ENGINES]}}
API: Spec = {**CLUSTER, "kubeconfig": {"type": "path"}, "context": {"type": "str"}}
SELECTION: Spec = {
    "names": {"type": "list", "elements": "str"},
    "namespaces": {"type": "list", "elements": "str"},
    "storage_classes": {"type": "list", "elements": "str"},
}

# In seconds; system calls take no more than a few weeks.
WEEK = 604_800
# Option -> the smallest and the largest number: what one machine, or Kubernetes, can have.
LIMITS = {
    "control_planes": (1, 100),
    "workers": (0, 1_000),
    "controller_manager_qps": (1, 1_000_000),
    "replicas": (1, 100),
    "worker_threads": (1, 1_000),
    "provisioning_retries": (0, 1_000_000),
    "deletion_retries": (0, 1_000_000),
    "helper_timeout": (1, WEEK),
    "keep": (0, 1_000_000),
    "terminate_grace_period": (0, WEEK),
    "wait_timeout": (1, WEEK),
    "width": (40, 1_000),
}


def defaults(spec: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    """The default value of each option."""
    return {name: option.get("default") for name, option in spec.items()}


def check_not_empty(options: Mapping[str, Any], *names: str, blank: bool = False) -> None:
    """Raise BadInput for a selecting list without elements; None is not checked, it selects everything.

    blank: whether an empty text is allowed as an element.
    """
    for name in names:
        value = options.get(name)
        if value is None:
            continue
        if not value:
            raise BadInput(
                f"{name} is empty: it would select everything.",
                next_step=f"Add an element to {name}, or omit {name} to select everything.",
            )
        if not blank and not all(str(element).strip() for element in value):
            raise BadInput(f"{name} has an empty element.", next_step=f"Correct {name}, or omit it.")


def check_numbers(options: Mapping[str, Any]) -> None:
    """Raise BadInput if one of the options in LIMITS is out of its range; None is not checked."""
    for name, (least, most) in LIMITS.items():
        value = options.get(name)
        if value is not None and not (isinstance(value, int) and least <= value <= most):
            if not isinstance(value, int):
                raise BadInput(f"{name} must be a number, not {value!r}.", next_step=f"Correct {name}.")
            bound = f"at least {least}" if value < least else f"at most {most}"
            raise BadInput(f"{name} must be {bound}, not {value}.", next_step=f"Correct {name}.")


def check_absolute(options: Mapping[str, Any], spec: Mapping[str, Mapping[str, Any]]) -> None:
    """Raise BadInput if a path is relative: it would depend on the directory in which Ansible runs the module."""
    for name, option in spec.items():
        value = options.get(name)
        if "options" in option:
            for item in value if isinstance(value, (list, tuple)) else filter(None, [value]):
                check_absolute(item, option["options"])
        elif "path" in (option.get("type"), option.get("elements")):
            for path in value if isinstance(value, (list, tuple)) else [value]:
                if path and not str(path).startswith(("/", "~")):
                    raise BadInput(f"{name} {path!r} is not an absolute path.", next_step="Use an absolute path.")


def conform(
    values: Any, spec: Mapping[str, Mapping[str, Any]], where: str, expand: Callable[[str], str] = str
) -> dict[str, Any]:
    """Options within a dictionary, with the types of their argument spec, as Ansible converts those of a module.

    where: the option that has them. expand: of a path. Raises BadInput that names everything that the spec does not
    have. Options that are None or omitted are left out, nested ones get their defaults.
    """
    problems: list[str] = []
    found = dict(_conforming(values, spec, where, expand, problems))
    if problems:
        raise BadInput(f"{'; '.join(problems)}. Nothing was changed.", next_step=f"Correct {where}.")
    return found


def _conforming(
    values: Any, spec: Mapping[str, Mapping[str, Any]], where: str, expand: Callable[[str], str], problems: list[str]
) -> Iterator[tuple[str, Any]]:
    if not isinstance(values, Mapping):
        problems.append(f"{where} is not a dictionary")
        return
    for name, value in values.items():
        if name not in spec:
            problems.append(f"{where} contains {name}, and its keys must be one of: {', '.join(sorted(spec))}")
        elif value is not None:
            yield name, _conform(value, spec[name], f"{where}.{name}", expand, problems)
    missing = [name for name, option in spec.items() if option.get("required") and values.get(name) is None]
    problems += [f"{where} lacks {name}" for name in missing]


def _conform(
    value: Any, option: Mapping[str, Any], where: str, expand: Callable[[str], str], problems: list[str]
) -> Any:
    kind = option.get("type", "str")
    if kind == "list":
        if not isinstance(value, (list, tuple)):
            problems.append(f"{where} is not a list")
            return []
        element = {**option, "type": option.get("elements", "raw")}
        return [_conform(item, element, f"{where}[{index}]", expand, problems) for index, item in enumerate(value)]
    if kind == "dict" and "options" in option:
        given = dict(_conforming(value, option["options"], where, expand, problems))
        return {**{n: o["default"] for n, o in option["options"].items() if "default" in o}, **given}
    return _scalar(value, option, kind, where, expand, problems)


def _scalar(
    value: Any, option: Mapping[str, Any], kind: str, where: str, expand: Callable[[str], str], problems: list[str]
) -> Any:
    if kind == "dict" and not isinstance(value, Mapping):
        problems.append(f"{where} is not a dictionary")
    elif kind == "int":
        if isinstance(value, bool) or not str(value).lstrip("-").isdigit():
            problems.append(f"{where} {value!r} is not a number")
            return 0
        return int(value)
    elif kind == "bool":
        if str(value).lower() not in _BOOLEANS:
            problems.append(f"{where} {value!r} is not true or false")
        return _BOOLEANS.get(str(value).lower(), False)
    elif kind in ("str", "path"):
        if isinstance(value, (Mapping, list)):
            problems.append(f"{where} is not text")
        value = expand(str(value)) if kind == "path" else str(value)
    if value not in option.get("choices", (value,)):
        problems.append(f"value of {where} must be one of: {', '.join(map(str, option['choices']))}, got: {value}")
    return value
