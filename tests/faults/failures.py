"""Failures during a recreation: engine, nodes, API server, disk, a concurrent run, a clock set back."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Iterator
from datetime import datetime, timedelta, timezone

import scene
from harness import (
    BACKUP,
    NAME,
    SCRATCH,
    Ended,
    Row,
    kubectl,
    module,
    recreation,
    row,
    run,
    start,
    steps,
    until,
)


def rows(was: scene.Scene, *, short: bool) -> Iterator[Row]:
    """A row per failure."""
    cases = [second_run, full_disk, stopped_node]
    if not short:
        cases += [paused_node, api_in_backup, api_in_restore, api_dead, clock, engine_killed]
    for case in cases:
        yield case(was)


def second_run(was: scene.Scene) -> Row:
    """Two concurrent runs: the second is refused, the first one completes."""
    count = len(steps())
    log = SCRATCH / "first.log"
    first = start(recreation(), log)
    until("the first run starts", lambda: len(steps()) > count or first.poll() is not None, 120, 0.05)
    second = run(recreation(), check=False)
    code = first.wait()
    refused = second.reason == "Conflict"
    found = f"first: exit {code}, second: refused {refused}"
    unexpected = Ended(code, log.read_text(errors="replace"), 0) if code else second
    return told("two runs at once", was, found, code == 0 and refused, unexpected)


def full_disk(was: scene.Scene) -> Row:
    """The disk of the backup is full: nothing is deleted or visible in part, and all workloads run again."""
    small = SCRATCH / "small"
    small.mkdir(exist_ok=True)
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=100k", "none", small], check=True)
    try:
        failed = run(recreation(kindlab_backup_path=str(small / "backup")), check=False)
        generations = list((small / "backup").glob("generations/*"))
    finally:
        subprocess.run(["umount", small], check=True)
    ok = failed.code != 0 and "is full" in failed.flat and not generations
    return told("the disk fills", was, f"exit {failed.code}, generations: {len(generations)}", ok, failed)


def stopped_node(was: scene.Scene) -> Row:
    """A node container is stopped: the error names it; nothing has changed after it was started again."""
    subprocess.run(["docker", "stop", f"{NAME}-worker2"], check=True, stdout=subprocess.DEVNULL)
    refused = run(recreation(), check=False)
    subprocess.run(["docker", "start", f"{NAME}-worker2"], check=True, stdout=subprocess.DEVNULL)
    back()
    ok = refused.reason == "Declined" and f"{NAME}-worker2 is exited" in refused.flat
    return told("a node is stopped", was, f"exit {refused.code}", ok, refused)


def paused_node(was: scene.Scene) -> Row:
    """A node container is paused: the error says that its processes cannot be read."""
    subprocess.run(["docker", "pause", f"{NAME}-worker2"], check=True, stdout=subprocess.DEVNULL)
    refused = run(recreation(), check=False)
    subprocess.run(["docker", "unpause", f"{NAME}-worker2"], check=True, stdout=subprocess.DEVNULL)
    back()
    ok = refused.code != 0 and f"{NAME}-worker2 is paused" in refused.flat
    return told("a node is paused", was, f"exit {refused.code}", ok, refused)


def api_in_backup(was: scene.Scene) -> Row:
    """The API server is killed while volumes are backed up; a rerun completes the recreation."""
    return api_killed(was, "detached", "the API server is killed during the backup")


def api_in_restore(was: scene.Scene) -> Row:
    """The API server is killed while volumes are restored; a rerun completes the recreation."""
    return api_killed(was, "provisioned", "the API server is killed during the restore")


def api_killed(was: scene.Scene, after: str, what: str) -> Row:
    count = len(steps())
    process = start(recreation(), SCRATCH / "api.log")
    until(f"'{after}'", lambda: after in steps()[count:] or process.poll() is not None, 300, 0.005)
    subprocess.run(["docker", "exec", f"{NAME}-control-plane", "pkill", "-9", "kube-apiserver"], check=False)
    code = process.wait()
    answers()
    again = run(recreation(), check=False) if code else Ended(0, "", 0)
    return told(what, was, f"exit {code}, rerun: exit {again.code} in {again.seconds:.0f} s", again.code == 0, again)


def api_dead(was: scene.Scene) -> Row:
    """The API server does not start again: refused; without_api=last_backup recreates the cluster."""
    away = "mv /etc/kubernetes/manifests/kube-apiserver.yaml /etc/kubernetes/"
    subprocess.run(["docker", "exec", f"{NAME}-control-plane", "sh", "-c", away], check=True)
    until("the API server is gone", lambda: kubectl("get", "--raw=/readyz", check=False) != "ok", 120, 1)
    refused = run(recreation(), check=False)
    made = run(recreation(recreate_without_api="last_backup"), check=False)
    warned = "does not answer" in refused.flat and "are unknown" in made.flat
    found = f"refused: {refused.code != 0}, then from the last backup: exit {made.code}, warned: {warned}"
    return told("the API server is dead", was, found, refused.code != 0 and made.code == 0 and warned, made)


def clock(was: scene.Scene) -> Row:
    """The clock is set back a day after the last backup: the generation written last counts as the newest one."""
    last = sorted((BACKUP / "generations").iterdir())[-1]
    tomorrow = datetime.now(timezone.utc) + timedelta(days=1)
    last.rename(last.with_name(f"{last.name.partition('-')[0]}-{tomorrow:%Y%m%dT%H%M%SZ}"))
    one = next(path for path in scene.VOLUMES.iterdir() if path.name.endswith("_plain-15")) / "file"
    before = one.read_text()
    one.write_text("written after the last backup")
    jumped = run(recreation(), check=False)
    kept = one.read_text() == "written after the last backup"
    one.write_text(before)
    times = [path.name.partition("-")[2] for path in sorted((BACKUP / "generations").iterdir())]
    ok = jumped.code == 0 and kept and len(times) > 1 and times[-1] < times[-2]
    return told("the clock jumps back", was, f"exit {jumped.code}, times of generations {times[-2:]}", ok, jumped)


def engine_killed(was: scene.Scene) -> Row:
    """The engine is killed while the new cluster is created; a rerun starts it and completes the recreation."""
    count = len(steps())
    process = start(recreation(), SCRATCH / "engine.log")
    until("'deleted'", lambda: "deleted" in steps()[count:] or process.poll() is not None, 300, 0.005)
    time.sleep(5)
    for pid in pids("dockerd"):
        os.kill(pid, signal.SIGKILL)
    code = process.wait()
    again = run(recreation(), check=False)
    return told(
        "the engine is killed",
        was,
        f"exit {code}, rerun: exit {again.code} in {again.seconds:.0f} s",
        again.code == 0,
        again,
    )


def pids(program: str) -> list[int]:
    """The processes of a program."""
    done = subprocess.run(["pgrep", "-x", program], capture_output=True, text=True, check=False)
    return [int(word) for word in done.stdout.split()]


def back() -> None:
    """Wait until all nodes are ready and pods are running again."""
    answers()
    kubectl("wait", "--for=condition=Ready", "nodes", "--all", "--timeout=180s")
    module("volume_detach", state="attached", wait=True)


def answers() -> None:
    """Wait until the API server answers."""
    until("the API server answers", lambda: kubectl("get", "--raw=/readyz", check=False) == "ok", 180, 1)


def told(what: str, was: scene.Scene, found: str, ok: bool, ended: Ended) -> Row:
    """The row of a failure, which fails if anything was lost."""
    wrong = scene.wrong(was)
    result = "" if ok and not wrong else f"{'; '.join(wrong)} {'' if ok else ended.flat[-500:]}"
    return row(what, found, ok and not wrong, result)
