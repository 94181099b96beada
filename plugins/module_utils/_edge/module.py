# Copyright: kindlab.volumes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Run an action as an Ansible module: options in, result or error out. The only importer of ansible."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import Any

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.kindlab.volumes.plugins.module_utils._core.console.error_text import (
    VARIABLES,
    Reader,
    called,
    kubectl_options,
)
from ansible_collections.kindlab.volumes.plugins.module_utils._core.engines import ENGINES, kind_command
from ansible_collections.kindlab.volumes.plugins.module_utils._core.errors import KindlabError
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kind.nodes import context_name, default_kubeconfig
from ansible_collections.kindlab.volumes.plugins.module_utils._core.outcome import Outcome
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.activity import shown_to_callback

Action = Callable[[Mapping[str, Any], bool], Outcome]


def run_module(
    action: Action, argument_spec: Mapping[str, Any], *, others: Mapping[str, str] = MappingProxyType({}), **rules: Any
) -> None:
    """Run action(options, check_mode) and report its Outcome, or the error it raised, to Ansible.

    others: what an option of another action that this one runs is called here, '' for one that cannot be set.
    """
    module = AnsibleModule(argument_spec={**argument_spec, **VARIABLES}, supports_check_mode=True, **rules)
    reader = _reader(argument_spec, others, module.params)
    try:
        with shown_to_callback(action.__module__.rpartition(".")[2]):
            outcome = action({name: module.params[name] for name in argument_spec}, module.check_mode)
    except KindlabError as error:
        result: dict[str, Any] = {"msg": reader.text(error), "reason": type(error).__name__}
        if error.details is not None:
            result["details"] = reader.details(error.details)
        module.fail_json(**result)
    for warning in outcome.warnings:
        module.warn(reader.prose(warning))
    # For 1,000 volumes the diff is 40 % of the result: it is sent only on request.
    diff = {"diff": {"before": dict(outcome.before), "after": dict(outcome.after)}} if module._diff else {}
    module.exit_json(changed=outcome.changed, **diff, **outcome.facts)


def _reader(options: Mapping[str, Any], others: Mapping[str, str], given: Mapping[str, Any]) -> Reader:
    """Who reads the errors of this run. The kubeconfig is found as open_cluster() finds it."""
    variables = called({**others, **{name: name for name in options}}, given.get("variables"))
    name = given.get("cluster" if "cluster" in options else "name")
    engine = given.get("engine", "auto")
    kind = kind_command(engine, "").rpartition("kind")[0].strip() if engine in ENGINES else ""
    reader = Reader("", kind, not _is_rootless(engine), variables)
    if "kubeconfig" not in options or not name:
        return reader
    own = os.path.expanduser(default_kubeconfig(name))
    kubeconfig = given["kubeconfig"] or (own if os.path.exists(own) else "")
    context = given.get("context") or ("" if kubeconfig else context_name(name))
    return replace(reader, kubectl=kubectl_options(kubeconfig, context))


def _is_rootless(engine: str) -> bool:
    """True if containers are run by a daemon of this user, or without one."""
    name = engine if engine in ENGINES else os.environ.get("KIND_EXPERIMENTAL_PROVIDER", "docker")
    own_socket = os.environ.get("DOCKER_HOST", "").startswith("unix:///run/user/")
    return os.geteuid() != 0 and (name != "docker" or own_socket)
