"""Machines as people have them: proxies, environments, rights, slow engines, damaged kubeconfigs and records."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tarfile
import time
from collections.abc import Iterator
from pathlib import Path

import scene
from harness import BIN, BUILD, SCRATCH, Row, row, run
from labs import Lab, Told, deployment, labs, told, volume, workload_image

RECORD = ("-n", "kube-system", "configmap", "kindlab-cluster")
# What people have made of the record of a cluster.
EDITED = ("{}", "[]", '{"nodes": [{"role": "control-plane", "extraMounts": [{"hostPath": "/x"}]}]}', "not: [yaml")


def rows() -> Iterator[Row]:
    """A row per machine, all with one cluster of one node."""
    with labs("it-machine") as (lab,):
        data = lab.top / "data"
        lab.create(mounts=[{"host_path": str(data), "node_path": "/data"}])
        lab.ready()
        (data / "v").mkdir()
        (data / "v" / "kept.log").write_text("kept")
        lab.apply(*volume("v", {"hostPath": {"path": "/data/v"}}, "c", node=lab.node()))
        lab.apply(deployment("app", scene.pod(workload_image(), ["sleep", "86400"], ["c"])))
        lab.kubectl("rollout", "status", "deployment/app", "--timeout=120s")
        cases = (proxy, tar_options, kubeconfigs, another_user, slow_engine, no_engine, inotify, records, empty_options)
        for case in cases:
            yield from case(lab)


def proxy(lab: Lab) -> Iterator[Row]:
    """A proxy that does not answer: requests to this machine do not use it."""
    away = dict.fromkeys(("HTTPS_PROXY", "https_proxy", "HTTP_PROXY", "http_proxy"), "http://127.0.0.1:9")
    seen = lab.ask("volume_info", environment={**away, "NO_PROXY": "", "no_proxy": ""})
    yield told("HTTPS_PROXY without NO_PROXY", not seen.failed, seen)


def tar_options(lab: Lab) -> Iterator[Row]:
    """TAR_OPTIONS and other variables of programs have no effect."""
    environment = {"TAR_OPTIONS": "--exclude=*.log", "GZIP": "-1", "POSIXLY_CORRECT": "1", "LC_ALL": "C"}
    saved = lab.ask("volume_backup", path=str(lab.backup), data="archive", compression="gzip", environment=environment)
    names: list[str] = []
    for archive in lab.backup.glob("generations/*/archives/*"):
        with tarfile.open(archive) as tar:
            names += [Path(name).name for name in tar.getnames()]
    yield told("TAR_OPTIONS excludes files", not saved.failed and "kept.log" in names, saved)


def kubeconfigs(lab: Lab) -> Iterator[Row]:
    """A kubeconfig that is a directory, no YAML, empty, or missing: an error that names it."""
    places: dict[str, Path] = {name: lab.top / f"{name}.yaml" for name in ("directory", "text", "empty", "missing")}
    places["directory"].mkdir()
    places["text"].write_text("{not yaml: [")
    places["empty"].write_text("")
    for what, path in places.items():
        for how in ("kubeconfig", "KUBECONFIG"):
            given: dict[str, object] = {"kubeconfig": str(path)} if how == "kubeconfig" else {"kubeconfig": None}
            seen = lab.ask("volume_info", environment={} if how == "kubeconfig" else {"KUBECONFIG": str(path)}, **given)
            # Without a kubeconfig of its own the cluster is found by the context in the user's file.
            ok = seen.failed and (seen.names(str(path)) or how == "KUBECONFIG")
            yield told(f"the kubeconfig is {what} ({how})", ok, seen)


def another_user(lab: Lab) -> Iterator[Row]:
    """A user who may use the engine, and not read a volume: refused in the plan, in check mode as well."""
    secret = lab.top / "data" / "v" / "secret"
    secret.write_text("secret")
    secret.chmod(0o600)
    # Everybody may enter /var/tmp, and not the checkout.
    path, kubeconfig = (Path(f"/var/tmp/{lab.name}-{name}") for name in ("backup", "kubeconfig"))
    kubeconfig.write_text(lab.kubeconfig.read_text())
    before = lab.objects("pv")["v"]["spec"]["persistentVolumeReclaimPolicy"]
    options = {"engine": "docker", "cluster": lab.name, "path": str(path), "kubeconfig": str(kubeconfig)}
    runs = [[True, "0644"], [False, "0644"], [True, "0600"]]
    program = str(Path(__file__).with_name("another_user.py"))
    try:
        lines = subprocess.run(
            [sys.executable, program, json.dumps(options), json.dumps(runs)],
            capture_output=True,
            text=True,
            check=False,
            env={**os.environ, "PYTHONPATH": str(BUILD / "collections")},
        )
        said = [" ".join(json.loads(line).split()) for line in lines.stdout.splitlines()] or [lines.stderr[-500:]] * 3
    finally:
        secret.unlink()
        kubeconfig.unlink()
    refused = said[0].startswith(("BadInput", "Declined")) and str(secret.parent) in said[0] and said[0] == said[1]
    yield row("a file of root, run as another user", said[1][:90], refused, "" if refused else str(said[:2]))
    named = said[2].startswith("BadInput") and str(kubeconfig) in said[2]
    yield row("a kubeconfig of another user", said[2][:90], named, "" if named else said[2])
    unchanged = lab.objects("pv")["v"]["spec"]["persistentVolumeReclaimPolicy"] == before and not path.exists()
    yield row("another user: nothing was changed", f"reclaim policy {before}", unchanged)


def slow_engine(lab: Lab) -> Iterator[Row]:
    """An engine that takes a minute for each exec: the module ends in its own time."""
    programs = lab.top / "slow"
    programs.mkdir()
    real = subprocess.run(["sh", "-c", "command -v docker"], capture_output=True, text=True, check=True).stdout.strip()
    slow = programs / "docker"
    slow.write_text(f'#!/bin/sh\n[ "$1" = exec ] && sleep 60\nexec {real} "$@"\n')
    slow.chmod(0o755)
    begun = time.monotonic()
    path = f"{programs}:{os.environ['PATH']}"
    late = lab.ask("volume_detach", wait_timeout=5, environment={"PATH": path})
    took = time.monotonic() - begun
    lab.ask("volume_detach", state="attached", wait=True)
    yield told(f"each exec of the engine takes 60 s: wait_timeout=5 took {took:.0f} s", late.failed and took < 25, late)


def no_engine(lab: Lab) -> Iterator[Row]:
    """Engines that do not answer, or are another machine's."""
    for host in ("tcp://127.0.0.1:9", "unix:///nowhere.sock"):
        seen = lab.ask("volume_info", environment={"DOCKER_HOST": host})
        yield told(f"DOCKER_HOST={host}", seen.failed and seen.result.get("reason") == "Unreachable", seen)


def inotify(lab: Lab) -> Iterator[Row]:
    """More nodes than the machine's inotify limits allow: refused before anything is created."""
    book = SCRATCH / "preflight.yml"
    variables = {"engine_preflight": True, "engine_raise_limits": False, "engine_nodes": 100_000}
    task = scene.role("engine", **variables)
    book.write_text(json.dumps([{"hosts": "localhost", "gather_facts": False, "tasks": [task]}]))
    ended = run([BIN / "ansible-playbook", book], check=False)
    named = ended.code != 0 and "inotify" in ended.flat
    yield row("inotify limits too low", f"exit {ended.code}", named, "" if named else ended.flat[-400:])
    del lab


def records(lab: Lab) -> Iterator[Row]:
    """The recorded configuration was edited by hand: one error that names the ConfigMap, or no harm."""
    original = json.loads(lab.kubectl("get", *RECORD, "-o", "json"))
    key = next(iter(original["data"]))
    for text in EDITED:
        lab.kubectl("patch", *RECORD, "--type=merge", "-p", json.dumps({"data": {key: text}}))
        data = [{"host_path": str(lab.top / "data"), "node_path": "/data"}]
        seen = [lab.ask("kind_cluster_info"), lab.ask("kind_cluster", check=True, mounts=data)]
        yield told(
            f"the record is {text[:20]}", all(not one.failed or one.names("kindlab-cluster") for one in seen), *seen
        )
    lab.kubectl("patch", *RECORD, "--type=merge", "-p", json.dumps({"data": original["data"]}))


def empty_options(lab: Lab) -> Iterator[Row]:
    """Relative paths and empty selections are refused."""
    cases: dict[str, dict[str, object]] = {
        "a relative path": {"path": "backup"},
        "names is empty": {"path": str(lab.backup), "names": []},
        "namespaces is empty": {"path": str(lab.backup), "namespaces": []},
    }
    for what, options in cases.items():
        seen: list[Told] = [lab.ask("volume_backup", check=check, **options) for check in (True, False)]
        ok = all(one.failed and one.result.get("reason") == "BadInput" for one in seen)
        yield told(what, ok, *seen)
