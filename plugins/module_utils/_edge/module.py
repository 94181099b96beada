# Copyright: kindlab.volumes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Run an action as an Ansible module: options in, result or error out. The only importer of ansible."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.kindlab.volumes.plugins.module_utils._core.errors import KindlabError
from ansible_collections.kindlab.volumes.plugins.module_utils._core.outcome import Outcome

Action = Callable[[Mapping[str, Any], bool], Outcome]


def run_module(action: Action, argument_spec: Mapping[str, Any], **rules: Any) -> None:
    """Run action(options, check_mode) and report its Outcome, or the error it raised, to Ansible."""
    module = AnsibleModule(argument_spec=dict(argument_spec), supports_check_mode=True, **rules)
    try:
        outcome = action(module.params, module.check_mode)
    except KindlabError as error:
        result: dict[str, Any] = {"msg": error.text(), "reason": type(error).__name__}
        if error.details is not None:
            result["details"] = error.details
        module.fail_json(**result)
    for warning in outcome.warnings:
        module.warn(warning)
    # For 1,000 volumes the diff is 40 % of the result: it is sent only on request.
    diff = {"diff": {"before": dict(outcome.before), "after": dict(outcome.after)}} if module._diff else {}
    module.exit_json(changed=outcome.changed, **diff, **outcome.facts)
