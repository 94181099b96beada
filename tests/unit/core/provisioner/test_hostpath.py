"""hostpath: its manifests, and one that runs recognised and read."""

from __future__ import annotations

import copy

import pytest

from ansible_collections.kindlab.volumes.plugins.module_utils._core.errors import BadInput
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kube.deployments import flag
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kube.objects import is_subset, ref_of
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kube.volumes import Volume
from ansible_collections.kindlab.volumes.plugins.module_utils._core.provisioner.backends.base import Images
from ansible_collections.kindlab.volumes.plugins.module_utils._core.provisioner.backends.hostpath import (
    DRIVER,
    IMAGE,
    LEASE,
    HostPath,
)
from ansible_collections.kindlab.volumes.plugins.module_utils._core.provisioner.plan import storage_class
from ansible_collections.kindlab.volumes.tests.unit.support.provisioners import deployment, node
from ansible_collections.kindlab.volumes.tests.unit.support.provisioners import request as any_request

HOSTPATH = HostPath()


def request(**options):
    return any_request(name="hostpath", **options)


def made(**options):
    return {ref_of(item)[0]: item for item in HOSTPATH.manifests(request(**options), Images("program:1"))}


def pod(**options):
    return made(**options)["Deployment"]["spec"]["template"]["spec"]


def program(**options):
    return pod(**options)["containers"][0]["command"]


def test_the_order_lets_each_object_find_what_it_needs():
    assert [ref_of(item)[0] for item in HOSTPATH.manifests(request(), Images("program:1"))] == [
        *("Namespace", "ServiceAccount", "Role", "ClusterRole", "RoleBinding", "ClusterRoleBinding"),
        *("Lease", "Deployment"),
    ]


def test_it_has_a_namespace_of_its_own():
    spaces = {kind: item["metadata"].get("namespace") for kind, item in made().items()}
    assert {space for kind, space in spaces.items() if not kind.startswith("Cluster") and kind != "Namespace"} == {
        "hostpath-storage"
    }
    assert made(namespace="elsewhere")["Lease"]["metadata"]["namespace"] == "elsewhere"


def test_the_program_answers_to_the_name_that_the_class_asks_for():
    """One that answers to another name runs, and provisions nothing."""
    wanted = storage_class(request(), HOSTPATH.driver)
    assert flag(program(), "provisioner") == wanted["provisioner"] == DRIVER


def test_what_it_makes_is_what_a_volume_names():
    """The same path inside as outside, and the one that the program is told."""
    for options, path in (({}, "/tmp/hostpath-provisioner"), ({"node_path": "/srv/v"}, "/srv/v")):
        spec = pod(**options)
        assert [mount["mountPath"] for mount in spec["containers"][0]["volumeMounts"]] == [path]
        assert [volume["hostPath"]["path"] for volume in spec["volumes"]] == [path]
        assert flag(program(**options), "directory") == path


def test_replicas_share_one_lease_that_they_may_write():
    objects = made()
    assert objects["Deployment"]["spec"]["replicas"] == 3
    assert made(replicas=1)["Deployment"]["spec"]["replicas"] == 1
    assert objects["Lease"]["metadata"]["name"] == LEASE == DRIVER.replace("/", "-")
    named = [rule for rule in objects["Role"]["rules"] if rule.get("resourceNames")]
    assert named == [
        {
            "apiGroups": ["coordination.k8s.io"],
            "resources": ["leases"],
            "verbs": ["get", "update"],
            "resourceNames": [LEASE],
        }
    ]


def test_it_runs_on_control_planes_too_and_without_privileges():
    spec = pod()
    assert [toleration["key"] for toleration in spec["tolerations"]] == ["node-role.kubernetes.io/control-plane"]
    context = spec["containers"][0]["securityContext"]
    assert context["capabilities"]["drop"] == ["ALL"]
    assert (context["allowPrivilegeEscalation"], context.get("privileged")) == (False, None)


def test_flags_are_passed_only_where_they_are_asked_for():
    asked = program(worker_threads=8, provisioning_retries=0, deletion_retries=3)
    assert asked[: len(program())] == program()
    assert asked[len(program()) :] == [
        *("--worker-threads", "8", "--provisioning-retries", "0", "--deletion-retries", "3")
    ]


@pytest.mark.parametrize(
    "options, words",
    [
        ({"paths": [{"paths": ["/a", "/b"]}]}, "exactly one directory, the same in all nodes"),
        ({"paths": [{"node": "w", "paths": ["/a"]}]}, "exactly one directory, the same in all nodes"),
        ({"helper_image": "busybox"}, "hostpath does not support helper_image."),
        ({"helper_image": "busybox", "helper_timeout": 3}, "hostpath does not support helper_image or helper_timeout."),
    ],
)
def test_refused(options, words):
    request(binding_mode="Immediate")
    with pytest.raises(BadInput) as caught:
        request(**options)
    assert words in caught.value.message
    assert caught.value.next_step


def own(space="elsewhere", **container):
    return deployment(space, "mine", **{"command": ["hostpath-provisioner"], "args": [], **container})


@pytest.mark.parametrize(
    "item, serves",
    [
        (made()["Deployment"], True),
        (own(), True),
        (own(command=None, image="mirror/hostpath-provisioner:1"), True),
        (own(args=["--provisioner", DRIVER]), True),
        (own(args=["--provisioner=example.com/hostpath"]), False),
        (own(command=["/run"]), False),
        (deployment(), False),
    ],
)
def test_who_serves_the_driver(item, serves):
    assert HOSTPATH.serves(item) is serves
    assert HOSTPATH.is_configured(None) is True


def test_one_that_runs_is_read():
    item = made(node_path="/srv")["Deployment"]
    assert HOSTPATH.installed_images(item, None) == Images("program:1")
    assert HOSTPATH.paths(item, None) == [{"node": "", "paths": ["/srv"]}]
    assert (HOSTPATH.installed_images(None, None), HOSTPATH.paths(own(), None)) == (Images(""), [])


NODES = [node(name, "mirror.example/x/hostpath-provisioner:2") for name in "ab"]


@pytest.mark.parametrize(
    "options, item, nodes, image",
    [
        ({"image": "i:1"}, own(image="old:1"), NODES, "i:1"),
        ({}, own(image="old:1"), NODES, "old:1"),
        ({}, None, NODES, "mirror.example/x/hostpath-provisioner:2"),
        ({}, None, [], IMAGE),
        ({}, None, [*NODES, node("c")], IMAGE),
        ({}, {**own(image="wrong:1"), "status": {}}, NODES, "mirror.example/x/hostpath-provisioner:2"),
    ],
)
def test_which_image_is_taken(options, item, nodes, image):
    assert HOSTPATH.images(request(**options), item, None, iter(nodes)) == Images(image, "")


@pytest.mark.parametrize(
    "directory, removed",
    [("/srv/v", True), ("/srv", False), ("/srv/a/v", False), ("/srv2/v", False), ("/other/v", False), ("", False)],
)
def test_whose_directories_would_be_removed(directory, removed):
    why = HOSTPATH.cannot_delete_reason(Volume("v", node_directory=directory), ["/srv"])
    assert why == ("" if removed else f"{directory} is not in /srv")


def test_which_claims_it_serves():
    assert HOSTPATH.cannot_provision_reason({"spec": {"accessModes": ["ReadWriteMany"]}}) == ""
    assert HOSTPATH.cannot_provision_reason({"spec": {"selector": {"matchLabels": {"a": "b"}}}}) == "it has a selector"


def test_what_the_api_server_fills_in_does_not_count():
    wanted = made()["Deployment"]
    live = copy.deepcopy(wanted)
    live["spec"]["strategy"].pop("rollingUpdate")
    live["spec"]["template"]["spec"]["containers"][0]["env"][0]["valueFrom"]["fieldRef"]["apiVersion"] = "v1"
    live["spec"]["progressDeadlineSeconds"] = 600
    lease = made()["Lease"]
    assert is_subset(wanted, live) and is_subset(lease, {**lease, "spec": {"holderIdentity": "x"}})
