"""The cause of a failure is told first, with the first error line instead of the end of a stack trace."""

from __future__ import annotations

import re

import pytest

from ansible_collections.kindlab.volumes.plugins.module_utils._core.kind.host.failure import explain, first_error

# What kind prints if kubeadm waits in vain for a kubelet.
KIND = """Creating cluster "lab" ...
 • Ensuring node image (kindest/node:v1.34.4) 🖼  ...
 ✓ Ensuring node image (kindest/node:v1.34.4) 🖼
 ✗ Starting control-plane 🕹️
ERROR: failed to create cluster: failed to init node with kubeadm: command "docker exec --privileged lab-control-plane \
kubeadm init --config=/kind/kubeadm.conf --skip-token-print --v=6" failed with error: exit status 1
Command Output: I1130 01:00:00.000000     140 initconfiguration.go:261] loading configuration
[kubelet-check] The kubelet is not healthy after 4m0.000000001s
error: error execution phase wait-control-plane: failed while waiting for the kubelet to start
k8s.io/kubernetes/cmd/kubeadm/app/cmd/phases/workflow.(*Runner).Run.func1
\tk8s.io/kubernetes/cmd/kubeadm/app/cmd/phases/workflow/runner.go:262
main.main
\tk8s.io/kubernetes/cmd/kubeadm/kubeadm.go:25
runtime.main
\truntime/proc.go:283
"""
HARMLESS = "cgroup v1 detected. cgroup v1 support has been transitioned into maintenance mode\ninotify: watching /etc\n"


def test_the_first_error_is_told_and_no_stack_trace() -> None:
    said = first_error(KIND)
    assert said.startswith("failed to init node with kubeadm: docker exec --privileged lab-control-plane")
    assert "exit status 1" in said and "runtime" not in said
    assert first_error("one\ntwo\n") == "two" and first_error("") == "without an error message"
    assert explain(KIND, {"lab-control-plane": HARMLESS}, "docker", "/k").next_step == ""


def test_without_a_known_cause_what_ended_a_component_is_told() -> None:
    noise = 'E1130 01:00:00 reflector.go:205] "Failed to watch" err="connection refused"\n'
    for line, told in (
        (
            'E1130 01:00:00 run.go:72] "command failed" err="odd"',
            'E1130 01:00:00 run.go:72] "command failed" err="odd"',
        ),
        ("2026-11-30T01:00:00.5Z stderr F Error: unknown flag: --no-such-flag", "Error: unknown flag: --no-such-flag"),
        ("2026-11-30T01:00:00.5Z stderr F panic: odd", "panic: odd"),
    ):
        journals = {"lab-control-plane": f"{HARMLESS}{noise}{line}\n{noise}", "lab-worker": noise}
        found = explain(KIND, journals, "docker", "/k")
        assert found.message == f"{first_error(KIND)}\nlab-control-plane: {told}" and found.next_step == ""
        assert explain("", journals, "docker", "/k").message == f"lab-control-plane: {told}"


@pytest.mark.parametrize(
    ("line", "cause", "step"),
    [
        ('E1130 "failed to run Kubelet" err="inotify_init: too many open files"', "limit of inotify", "sudo sysctl -w"),
        ("Failed to allocate manager object: Too many open files", "limit of inotify", "max_user_instances=1024"),
        ('level=error msg="failed to create fsnotify watcher"', "limit of inotify", "sudo sysctl -w"),
        ("write /var/lib/etcd: no space left on device", "the disk is full", "podman system prune"),
        ("kubelet is configured to not run on a host using cgroup v1", "control groups", "failCgroupV1: false}"),
        ("Out of memory: Killed process 1 (etcd)", "the memory is full", "fewer nodes"),
    ],
)
def test_causes_in_the_journals_of_nodes(line: str, cause: str, step: str) -> None:
    found = explain(KIND, {"lab-control-plane": f"{HARMLESS}{line}\n", "lab-worker": HARMLESS}, "podman", "/k")
    first, second = found.message.split("\n")
    assert cause in first and f"lab-control-plane: {line}" in first and second == first_error(KIND)
    assert step in found.next_step and "{" not in found.next_step.replace("{kind", "")


@pytest.mark.parametrize(
    ("said", "step"),
    [
        ('ERROR: failed to create cluster: failed to pull image "kindest/node:v9"', "node_image"),
        ("ERROR: failed to create cluster: Bind for 0.0.0.0:80 failed: port is already allocated", "host_port"),
        ("ERROR: failed to create cluster: inotify_init: too many open files", "sysctl"),
        ("ERROR: failed to delete cluster: tried to kill container, but did not receive an exit event", "THAWED"),
        ("ERROR: failed to create cluster: no space left on device", "Free disk space"),
        ("ERROR: failed to create cluster: node(s) already exist for a cluster", "Another run"),
        ('docker: Conflict. The container name "/lab-worker" is already in use by container "c1".', "Another run"),
        ("ERROR: failed to lock config file", "rm /k.lock"),
        ("ERROR: field propagation not found in type", "kind v0.32.0"),
        ("ERROR: could not find a log line that matches Reached target", "less busy"),
        ("something else", ""),
    ],
)
def test_causes_in_the_output_of_kind(said: str, step: str) -> None:
    found = explain(f"Creating cluster ...\n{said}\n", {}, "docker", "/k")
    assert step in found.next_step and bool(step) == bool(found.next_step)
    assert found.message.endswith(re.sub("ERROR: (failed to [a-z]+ cluster: )?", "", said))


def test_a_port_inside_a_node_is_not_one_of_the_host() -> None:
    assert explain(KIND, {"n": "listen tcp :10250: bind: address already in use"}, "docker", "/k").next_step == ""
