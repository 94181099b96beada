# Copyright: kindlab.volumes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Options of kind_cluster over those of the configuration that they name."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

from ansible_collections.kindlab.volumes.plugins.module_utils._core.errors import BadInput
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kind.given.over import check_fields, over
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kind.given.sizes import COUNTS
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kind.source.config_file import options_of
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.kube.manifests import yaml_value

OPTION = "config"


def with_config(options: Mapping[str, Any], name: str) -> dict[str, Any]:
    """The options without config, over those that it stands for. name: of the cluster. Raises BadInput."""
    config = options.get(OPTION)
    found = {option: value for option, value in options.items() if option != OPTION}
    if config is not None:
        where = "config"
        if isinstance(config, str):
            where = os.path.expanduser(config)
            config = _read(where)
        found = {**found, **over(options_of(config, where, name), found)}
        found = {option: value for option, value in found.items() if option not in COUNTS}
    check_fields(found)
    return found


def _read(path: str) -> Any:
    if not os.path.isabs(path):
        raise BadInput(f"config {path!r} is not an absolute path.", next_step="Use an absolute path.")
    try:
        with open(path, encoding="utf-8") as file:
            text = file.read()
    except (OSError, UnicodeDecodeError) as error:
        why = error.strerror if isinstance(error, OSError) else "it is not text"
        raise BadInput(
            f"{path} cannot be read: {why}.",
            tried=f"cat {path}",
            next_step="Set config to a configuration file of kind on this host, or to its content.",
        ) from None
    value, why = yaml_value(text)
    if why:
        raise BadInput(f"{path} is not valid YAML: {why}", next_step="Correct the file.")
    return value
