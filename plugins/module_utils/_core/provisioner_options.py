# Copyright: kindlab.volumes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A cluster's provisioners and classes as they are, and the options of storage_provisioner that make them again."""

from __future__ import annotations

from typing import Any

from ansible_collections.kindlab.volumes.plugins.module_utils._core import (
    provisioner_hostpath,
    provisioner_local_path,
)
from ansible_collections.kindlab.volumes.plugins.module_utils._core.manifest import Object, Ref
from ansible_collections.kindlab.volumes.plugins.module_utils._core.provisioner import PROVISIONERS
from ansible_collections.kindlab.volumes.plugins.module_utils._core.provisioner_state import State, config_of, running
from ansible_collections.kindlab.volumes.plugins.module_utils._core.provisioner_words import describe
from ansible_collections.kindlab.volumes.plugins.module_utils._core.workload import argv, containers, flag

# What has to be read for it.
SEEN = ("StorageClass", "Deployment", "ConfigMap")
_FLAGS = {
    "local_path": provisioner_local_path.FLAGS,
    "local_path_shared": provisioner_local_path.FLAGS,
    "hostpath": provisioner_hostpath.FLAGS,
}


def provisioners(state: State) -> list[Object]:
    """The provisioners of this collection that are there, whoever installed them."""
    words = describe(state)["provisioners"]
    return [
        {"namespace": ref[1], "deployment": ref[2], "driver": PROVISIONERS[name].driver, **words[f"{ref[1]}/{ref[2]}"]}
        for ref, name in sorted(running(state).items())
    ]


def classes(state: State) -> list[Object]:
    """The storage classes by name, each with options: {} where no provisioner that is known here serves it."""
    servers = {server["driver"]: server for server in reversed(provisioners(state))}
    found = []
    for name, words in describe(state)["storage_classes"].items():
        driver = words.pop("provisioner")
        options = _options(name, words, servers[driver], state) if driver in servers else {}
        found.append({"name": name, "driver": driver, **words, "options": options})
    return found


def _options(storage_class: str, words: Object, server: Object, state: State) -> dict[str, Any]:
    if not server["paths"]:
        return {}
    place = ("Deployment", server["namespace"], server["deployment"])
    return {
        "name": server["name"],
        "namespace": server["namespace"],
        "storage_class": storage_class,
        "default_class": words["default"],
        "reclaim_policy": words["reclaim_policy"],
        "binding_mode": words["binding_mode"],
        "paths": server["paths"],
        "image": server["image"],
        "replicas": server["replicas"],
        **({"helper_image": server["helper_image"]} if server["helper_image"] else {}),
        **_numbers(server["name"], place, state),
    }


def _numbers(name: str, place: Ref, state: State) -> dict[str, int]:
    """The numbers that the program was given."""
    given = argv(containers(state[place])[0])
    found = {option: flag(given, word) for option, word in _FLAGS[name].items()}
    config = provisioner_local_path.read_config(config_of(PROVISIONERS[name], place, state))
    found["helper_timeout"] = str(config.get("cmdTimeoutSeconds", ""))
    return {option: int(value) for option, value in found.items() if value.isdigit()}
