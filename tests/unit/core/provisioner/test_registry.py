"""Adding a provisioner takes a class and a line in the registry: the rest of the collection follows the registry."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import Any

import pytest
import yaml

from ansible_collections.kindlab.volumes.plugins.module_utils._core.errors import BadInput, Declined
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kube.objects import Object, by_ref
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kube.volumes import Volume
from ansible_collections.kindlab.volumes.plugins.module_utils._core.provisioner.backends.base import (
    Images,
    NodePaths,
    Provisioner,
    Settings,
)
from ansible_collections.kindlab.volumes.plugins.module_utils._core.provisioner.backends.manifests import (
    Rbac,
    deployment_manifest,
    objects,
)
from ansible_collections.kindlab.volumes.plugins.module_utils._core.provisioner.registry import (
    PROVISIONERS,
    drivers,
    helper_directories,
    node_annotations,
    provisioner_directories,
    serves_volumes,
)
from ansible_collections.kindlab.volumes.plugins.module_utils._core.provisioner.report import (
    provisioners,
    storage_classes,
)
from ansible_collections.kindlab.volumes.plugins.module_utils._core.provisioner.request import ARGUMENTS, Request
from ansible_collections.kindlab.volumes.plugins.module_utils._core.provisioner.state import State, applied, installed
from ansible_collections.kindlab.volumes.tests.unit.support.provisioners import planned, request, state

ROOT = Path(__file__).resolve().parents[4]
ACCOUNT = Rbac("tiny", "tiny", "tiny", (), ())


class Tiny(Provisioner):
    """As little as a provisioner can be."""

    name = "tiny"
    driver = "example.com/tiny"
    deployment = "tiny"
    config_map = "tiny-config"
    namespace = "tiny-storage"
    node_path = "/tiny"
    program = "tiny"
    image = "example.com/tiny:1"
    helper_env = "TINY_DIRECTORY"
    node_annotations = ("example.com/node",)
    unsupported = ("replicas",)

    def manifests(self, settings: Settings, images: Images) -> tuple[Object, ...]:
        container = {"image": images.program, "command": ["tiny", self.directory(settings)]}
        return objects(settings.namespace, ACCOUNT, deployment_manifest("tiny", "tiny", container, {}, replicas=1))

    def paths(self, deployment: Object, _config_map: Object | None) -> list[Object]:
        return [{"node": "", "paths": deployment["spec"]["template"]["spec"]["containers"][0]["command"][1:]}]

    def configured_paths(self, config_map: Object) -> list[NodePaths]:
        return [NodePaths("", tuple(config_map["data"]["paths"].split()))]

    def cannot_delete_reason(self, volume: Volume, directories: Any) -> str:
        return "" if volume.node_directory.startswith(tuple(directories)) else "it is elsewhere"


@pytest.fixture(autouse=True)
def tiny(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(PROVISIONERS, "tiny", Tiny())


def with_tiny(**options: Any) -> State:
    return applied(state(), planned(request(name="tiny", **options), state()))


def test_the_option_has_it_as_a_choice() -> None:
    spec = importlib.util.find_spec(Request.__module__)
    assert spec and spec.loader
    fresh = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(fresh)
    assert fresh.ARGUMENTS["name"]["choices"] == [*ARGUMENTS["name"]["choices"], "tiny"]


def test_it_is_installed_in_place_of_another_and_removed() -> None:
    after = with_tiny()
    ref = ("Deployment", "tiny-storage", "tiny")
    assert installed(after) == {ref: "tiny"}
    assert planned(request(name="tiny"), after) == ()
    assert installed(applied(after, planned(request(name="tiny", state="absent"), after))) == {}
    assert installed(applied(after, planned(request(), after))).keys() == {
        ("Deployment", "local-path-storage", "local-path-provisioner")
    }


def test_results_have_it_and_the_options_that_create_it_again() -> None:
    after = with_tiny(node_path="/srv")
    (found,) = provisioners(after)
    assert (found["name"], found["image"], found["paths"]) == (
        *("tiny", "example.com/tiny:1"),
        [{"node": "", "paths": ["/srv"]}],
    )
    (storage_class,) = storage_classes(after)
    assert storage_class["driver"] == "example.com/tiny"
    assert planned(request(**storage_class["options"] | {"replicas": None}), after) == ()


def test_its_limits_are_refused() -> None:
    with pytest.raises(BadInput, match="tiny does not support replicas"):
        request(name="tiny", replicas=2)
    with pytest.raises(BadInput, match="exactly one directory"):
        request(name="tiny", paths=[{"paths": ["/a", "/b"]}])
    volume = {
        "kind": "PersistentVolume",
        "metadata": {"name": "v", "annotations": {"pv.kubernetes.io/provisioned-by": "example.com/tiny"}},
        "spec": {
            "persistentVolumeReclaimPolicy": "Delete",
            "hostPath": {"path": "/tiny/v"},
            "claimRef": {"namespace": "ns", "name": "c"},
        },
    }
    with pytest.raises(Declined) as caught:
        planned(request(name="tiny", node_path="/srv"), {**with_tiny(), **by_ref([volume])})
    assert [(row["name"], row["why"]) for row in caught.value.details] == [("v", "it is elsewhere")]


def test_the_rest_of_the_collection_asks_the_registry() -> None:
    (deployment,) = (item for ref, item in with_tiny().items() if ref[0] == "Deployment")
    assert serves_volumes(deployment)
    assert "example.com/tiny" in drivers()
    assert "example.com/node" in node_annotations()
    config_map = {"metadata": {"name": "tiny-config"}, "data": {"paths": "/tiny/ /more"}}
    assert provisioner_directories([config_map]) == {"/more": (), "/tiny": ()}
    container = {"name": "c", "env": [{"name": "TINY_DIRECTORY", "value": "/tiny/v"}, {"name": "OTHER", "value": "/x"}]}
    assert helper_directories({"spec": {"initContainers": [container], "containers": []}}) == {"/tiny/v"}
    assert helper_directories({"spec": {"containers": [{"name": "c"}]}}) == set()


def test_the_documentation_names_the_provisioners_of_the_registry() -> None:
    source = (ROOT / "plugins" / "modules" / "storage_provisioner.py").read_text()
    documented = yaml.safe_load(source.split('DOCUMENTATION = r"""')[1].split('"""')[0])["options"]["name"]
    assert documented["choices"] == ARGUMENTS["name"]["choices"]
    described = " ".join(documented["description"])
    assert [name for name in documented["choices"] if f"V({name})" not in described] == []
