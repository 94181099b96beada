# Copyright: kindlab.volumes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The options of object_restore: what is restored, where, and what happens to what is there."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ansible_collections.kindlab.volumes.plugins.module_utils._core.errors import BadInput
from ansible_collections.kindlab.volumes.plugins.module_utils._core.names.forms import LABEL
from ansible_collections.kindlab.volumes.plugins.module_utils._core.names.map import ANY
from ansible_collections.kindlab.volumes.plugins.module_utils._core.objects.restoring import Request
from ansible_collections.kindlab.volumes.plugins.module_utils._core.objects.selection import Selection
from ansible_collections.kindlab.volumes.plugins.module_utils._core.options import check_numbers

from .desired import JOBS
from .outcome import EXISTING

CHOICES: dict[str, list[str]] = {
    "existing": list(EXISTING),
    "jobs": list(JOBS),
    "workloads": ["as_saved", "scaled_to_zero"],
}


@dataclass(frozen=True)
class Asked:
    """What is asked for. namespace_map: namespaces in the backup and where their objects go."""

    selection: Selection
    request: Request
    namespace_map: Mapping[str, str]
    wait_timeout: int

    @classmethod
    def from_options(cls, options: Mapping[str, Any]) -> Asked:
        """Raises BadInput."""
        check_numbers(options)
        names = {str(old): str(new) for old, new in options["namespace_map"].items()}
        for new in names.values():
            if not re.fullmatch(LABEL, new.replace(ANY, "x")):
                raise BadInput(
                    f"namespace_map has {new!r}, which cannot be a namespace.",
                    next_step="Use lower-case letters, digits and '-', at most 63 characters.",
                )
        request = Request(options["existing"], options["jobs"], options["workloads"] == "scaled_to_zero")
        return cls(Selection.from_options(options), request, names, options["wait_timeout"])
