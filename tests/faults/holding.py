"""Detach volumes in use: writers, pods that ignore SIGTERM, finalizers, budgets, pods without a controller."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from typing import Any

import scene
from harness import NAME, Ended, Row, kubectl, module, objects, row, until


def rows(was: scene.Scene, *, short: bool) -> Iterator[Row]:
    """A row per case; everything is scaled back up in between."""
    cases = [writer_in_node, stubborn, budget, bare_pod] + ([] if short else [finalizer, writing_pod])
    for case in cases:
        yield case(was)
        given = module("volume_detach", state="attached", wait=True)
        wrong = scene.wrong(was) if given.code == 0 else [given.flat[-300:]]
        if wrong:
            yield row(f"{case.__name__}: scaled back up", "; ".join(wrong), False)


def writer_in_node(was: scene.Scene) -> Row:
    """A process in a node, outside of pods, has a file open: refused with its name; detached once it has ended."""
    place = node_directory(was.volumes["plain-00"])
    writer = subprocess.Popen(
        ["docker", "exec", "-i", f"{NAME}-worker", "bash", "-c", 'exec 9>>"$0/written"; read -r x', place],
        stdin=subprocess.PIPE,
    )
    until("the file is open", lambda: written_by(place), 20)
    refused = module("volume_detach", wait_timeout=8)
    if writer.stdin:
        writer.stdin.close()
    writer.wait()
    subprocess.run(["docker", "exec", f"{NAME}-worker", "rm", f"{place}/written"], check=True)
    freed = module("volume_detach", wait_timeout=60)
    named = f"has open {place}/written" in refused.flat and "bash" in refused.flat
    ok = refused.code != 0 and named and freed.code == 0
    return row(
        "a process in a node keeps writing",
        f"{said(refused)}; then {said(freed)}",
        ok,
        "" if ok else refused.flat[-400:],
    )


def stubborn(_was: scene.Scene) -> Row:
    """A pod ignores SIGTERM: the module waits for its grace period."""
    patch = {
        "spec": {
            "template": {
                "spec": {
                    "terminationGracePeriodSeconds": 6,
                    "containers": [
                        {"name": "main", "command": ["sh", "-c", "trap '' TERM; while :; do sleep 1; done"]}
                    ],
                }
            }
        }
    }
    original = template("shop")
    kubectl("patch", "deployment", "shop", "-p", json.dumps(patch))
    kubectl("rollout", "status", "deployment/shop", "--timeout=120s")
    freed = module("volume_detach", wait_timeout=60)
    restore("shop", original)
    ok = freed.code == 0 and freed.seconds >= 6
    return row("a pod ignores SIGTERM", said(freed), ok, "" if ok else freed.flat[-400:])


def budget(_was: scene.Scene) -> Row:
    """A disruption budget allows no disruption: it limits evictions, not scaling."""
    kubectl("create", "poddisruptionbudget", "never", "--selector=app=shop", "--max-unavailable=0")
    freed = module("volume_detach", wait_timeout=60)
    kubectl("delete", "poddisruptionbudget", "never")
    return row("a budget of zero", said(freed), freed.code == 0, "" if freed.code == 0 else freed.flat[-400:])


def bare_pod(_was: scene.Scene) -> Row:
    """A pod without a controller: refused with its name before anything is changed; deleted with unmanaged=delete."""
    image = str(template("shop")["spec"]["containers"][0]["image"])
    spec = scene.pod(image, ["sleep", "86400"], ["plain-00"])
    manifest = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "bare", "namespace": "default"}, "spec": spec}
    kubectl("apply", "-f", "-", stdin=json.dumps(manifest))
    kubectl("wait", "--for=condition=Ready", "pod/bare", "--timeout=60s")
    before = scene.workloads()
    refused = module("volume_detach", wait_timeout=60)
    unchanged = scene.workloads() == before
    freed = module("volume_detach", wait_timeout=60, unmanaged="delete")
    named = refused.reason == "Declined" and "default/bare" in refused.flat
    ok = named and unchanged and freed.code == 0
    found = f"{said(refused)}, nothing changed: {unchanged}; unmanaged=delete: {said(freed)}"
    return row("a bare pod", found, ok, "" if ok else refused.flat[-400:])


def finalizer(_was: scene.Scene) -> Row:
    """A finalizer is never removed: the pod remains, but its containers have ended and do not use the volumes."""
    name = next(p["metadata"]["name"] for p in objects("pods") if p["metadata"]["labels"].get("app") == "shop")
    kubectl("patch", "pod", name, "--type=merge", "-p", '{"metadata": {"finalizers": ["example.com/never"]}}')
    freed = module("volume_detach", wait_timeout=20)
    exists = name in kubectl("get", "pod", name, "--ignore-not-found", "-o", "name")
    kubectl("patch", "pod", name, "--type=merge", "-p", '{"metadata": {"finalizers": null}}')
    ok = freed.code == 0 and exists and freed.seconds < 15
    return row(
        "a finalizer is never removed", f"{said(freed)}, the pod exists: {exists}", ok, "" if ok else freed.flat[-400:]
    )


def writing_pod(was: scene.Scene) -> Row:
    """A pod writes until it is stopped: its file does not grow after the volumes were detached."""
    original = template("shop")
    command = ["sh", "-c", "while :; do date >> /plain-00/log; done"]
    kubectl(
        "patch",
        "deployment",
        "shop",
        "-p",
        json.dumps({"spec": {"template": {"spec": {"containers": [{"name": "main", "command": command}]}}}}),
    )
    kubectl("rollout", "status", "deployment/shop", "--timeout=120s")
    freed = module("volume_detach", wait_timeout=60)
    directory = next(scene.VOLUMES.glob(f"{was.volumes['plain-00']}_*"))
    size = (directory / "log").stat().st_size
    until("a moment", lambda: True, pause=1)
    steady = size == (directory / "log").stat().st_size
    (directory / "log").unlink()
    restore("shop", original)
    ok = freed.code == 0 and steady and size > 0
    return row(
        "a pod keeps writing", f"{said(freed)}; {size} bytes, unchanged: {steady}", ok, "" if ok else freed.flat[-400:]
    )


def template(deployment: str) -> dict[str, Any]:
    """The pod template of a Deployment."""
    found: dict[str, Any] = json.loads(kubectl("get", "deployment", deployment, "-o", "json"))["spec"]["template"]
    return found


def restore(deployment: str, was: dict[str, Any]) -> None:
    """Restore the pod template of a Deployment."""
    change = [{"op": "replace", "path": "/spec/template", "value": was}]
    kubectl("patch", "deployment", deployment, "--type=json", "-p", json.dumps(change))


def node_directory(volume: str) -> str:
    """Directory of a volume in its node."""
    item = json.loads(kubectl("get", "persistentvolume", volume, "-o", "json"))
    return str((item["spec"].get("hostPath") or item["spec"].get("local"))["path"])


def written_by(place: str) -> bool:
    """Whether the writer has opened its file."""
    done = subprocess.run(["docker", "exec", f"{NAME}-worker", "test", "-e", f"{place}/written"], check=False)
    return done.returncode == 0


def said(ended: Ended) -> str:
    """Result and duration of a run."""
    return f"{'detached' if ended.code == 0 else 'refused'} in {ended.seconds:.1f} s"
