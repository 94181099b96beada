"""Values that stand in a role although another file of the collection decides them."""

from __future__ import annotations

import re
from typing import Any

import yaml

from ansible_collections.kindlab.volumes.plugins.module_utils._core.engines import ENGINES
from ansible_collections.kindlab.volumes.plugins.module_utils._core.provisioner.registry import PROVISIONERS
from ansible_collections.kindlab.volumes.tests.unit.roles.files import ROLES, load

probe = load("engine", "probe.py")


def values(role: str, kind: str) -> dict[str, Any]:
    found = yaml.safe_load((ROLES / role / kind / "main.yml").read_text())
    assert isinstance(found, dict)
    return found


def test_the_probe_tries_the_engines_of_the_modules() -> None:
    assert tuple(ENGINES) == probe.ENGINES


def test_each_provisioner_has_images_for_its_rendered_manifests() -> None:
    assert {*values("storage", "vars")["__storage_images"]} == {*PROVISIONERS}


def test_a_pulled_and_a_built_node_image_have_the_same_minor_version() -> None:
    """node_image_registry_image and go.mod, the only two places with a version of Kubernetes."""
    pulled = re.search(r":v(\d+\.\d+)\.\d+@sha256:", values("node_image", "defaults")["node_image_registry_image"])
    built = re.search(r"k8s\.io/kubernetes v(\d+\.\d+)\.", (ROLES / "node_image/files/go/go.mod").read_text())
    assert pulled and built
    assert pulled.group(1) == built.group(1)
