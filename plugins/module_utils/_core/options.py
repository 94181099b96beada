# Copyright: kindlab.volumes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Argument specs that modules share, and checks of their values."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .engines import ENGINES
from .errors import BadInput

Spec = dict[str, dict[str, Any]]

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
