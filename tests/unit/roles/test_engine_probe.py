"""What the engine role concludes from what it finds."""

from __future__ import annotations

from pathlib import Path

import pytest

from ansible_collections.kindlab.volumes.tests.unit.roles.files import load, script

probe = load("engine", "probe.py")


@pytest.fixture
def path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A PATH with nothing on it but what a test puts there."""
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv("DOCKER_HOST", raising=False)
    return tmp_path


def test_an_engine_that_answers_is_taken(path: Path) -> None:
    script(path / "docker", """echo '{"ServerVersion":"28.1","DockerRootDir":"/data","CgroupVersion":"2"}'""")
    found = probe.engine("auto")
    assert (found["name"], found["answers"], found["root"], found["cgroup"]) == ("docker", True, "/data", "2")


def test_auto_goes_on_to_podman(path: Path) -> None:
    script(path / "docker", "exit 1")
    info = '{"version":{"Version":"5.4"},"store":{"graphRoot":"/pods"},"host":{"cgroupVersion":"v2"}}'
    script(path / "podman", f"echo '{info}'")
    found = probe.engine("auto")
    assert (found["name"], found["root"], found["cgroup"]) == ("podman", "/pods", "2")


def test_a_client_that_reaches_no_server_does_not_answer(path: Path) -> None:
    script(path / "docker", """echo '{"ServerVersion":"","ServerErrors":["Cannot connect to the Docker daemon"]}'""")
    found = probe.engine("docker")
    assert (found["answers"], found["problem"], found["error"]) == (False, "", "Cannot connect to the Docker daemon")


@pytest.mark.parametrize(
    ("engine", "error", "words"),
    [
        ("docker", "permission denied while trying to connect", "usermod -aG docker"),
        ("podman", "no such file", "make `podman info` work"),
    ],
)
def test_what_the_role_cannot_mend_has_a_next_step(path: Path, engine: str, error: str, words: str) -> None:
    script(path / engine, f"echo '{error}' >&2; exit 1")
    assert words in probe.engine(engine)["problem"]


def test_a_docker_elsewhere_is_not_started_here(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DOCKER_HOST", "tcp://elsewhere:2375")
    script(path / "docker", "exit 1")
    assert "unset DOCKER_HOST" in probe.engine("docker")["problem"]


@pytest.mark.parametrize(("version", "good"), [("0.31.0", False), ("0.32.0", True), ("1.0.0", True)])
def test_kind_on_the_path_must_be_new_enough(path: Path, version: str, good: bool) -> None:
    script(path / "kind", f"echo kind v{version} go1.26 linux/amd64")
    found = probe.kind("0.32.0", path / "cache")
    assert found["good"] is good
    assert found["path"] == str(path / ("kind" if good else "cache/bin/kind"))


def test_an_old_kind_on_the_path_gives_way_to_the_cached_one(path: Path) -> None:
    (path / "cache/bin").mkdir(parents=True)
    script(path / "kind", "echo kind v0.20.0 go1.20 linux/amd64")
    script(path / "cache/bin/kind", "echo kind v0.32.0 go1.26 linux/amd64")
    assert probe.kind("0.32.0", path / "cache")["path"] == str(path / "cache/bin/kind")


@pytest.mark.parametrize(
    ("cgroup", "kubernetes", "told"), [("1", "1.34.4", False), ("1", "1.35.0", True), ("2", "1.36.1", False)]
)
def test_cgroups_of_the_first_version_end_with_kubernetes_1_34(cgroup: str, kubernetes: str, told: bool) -> None:
    assert bool(probe.cgroup(cgroup, kubernetes)) is told


def test_space_is_fatal_only_when_it_is_far_too_small(tmp_path: Path) -> None:
    free = probe.shutil.disk_usage(tmp_path).free / 2**30
    assert probe.disk("cache", tmp_path / "not/yet/there", 0) == []
    (low,) = probe.disk("cache", tmp_path, int(free * 2) + 2)
    (far,) = probe.disk("cache", tmp_path, int(free * 8) + 8)
    assert (low["fatal"], far["fatal"]) == (False, True)
    assert "kindlab_cache" in far["text"]
    assert "podman system prune" in probe.disk("engine", tmp_path, int(free * 8) + 8, "podman")[0]["text"]


def test_installed_engines_are_listed(
    path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Whether they answer does not matter."""
    script(path / "podman", "exit 1")
    monkeypatch.setattr(probe.sys, "argv", ["probe.py", "--installed"])
    probe.main()
    assert capsys.readouterr().out == '["podman"]\n'


@pytest.mark.parametrize(
    ("limit", "running", "told"),
    [
        (128, [], False),
        (128, ["a-control-plane", "a-worker", "a-worker2", "b-control-plane", "b-worker", "b-worker2"], True),
        (128, ["a-control-plane", "a-worker", "a-worker2", "lab-control-plane", "lab-worker", "lab-worker2"], False),
        (1024, ["a-control-plane", "a-worker", "b-control-plane2", "b-external-load-balancer"], False),
        (50, [], True),
    ],
)
def test_nodes_of_other_clusters_count_whoever_asks(
    monkeypatch: pytest.MonkeyPatch, limit: int, running: list[str], told: bool
) -> None:
    """A user who is not root does not see the processes of nodes."""
    monkeypatch.setattr(probe, "instances_in_use", lambda: 0)
    monkeypatch.setattr(probe, "read_number", lambda path: limit if "instances" in path else 1 << 20)
    limits, sysctls = probe.inotify(3 - len(probe.nodes_of(["lab"], running)), 3, running)
    assert bool(limits) is told and bool(sysctls) is told


def test_nodes_are_told_apart_by_their_names() -> None:
    names = ["lab-control-plane", "lab-worker2", "lab2-worker", "my-lab-worker", "lab-external-load-balancer"]
    assert probe.nodes_of(["lab"], names) == ["lab-control-plane", "lab-worker2", "lab-external-load-balancer"]
    assert probe.instances_of(names) == 30 + 3 * 15
