"""Probe the machine: container engine, kind, and limits that affect clusters. Prints JSON, changes nothing."""

from __future__ import annotations

import argparse
import importlib.metadata
import importlib.util
import json
import os
import platform
import pwd
import re
import shutil
import subprocess
import sys
from pathlib import Path

# As in plugins/module_utils/_core/engines.py, which is not available on the machine.
ENGINES = ("docker", "podman", "nerdctl")
ARCHITECTURES = {"x86_64": "amd64", "aarch64": "arm64"}
SYSTEM_PATH = "/usr/local/sbin:/usr/sbin:/sbin"
# Since this version Docker requests only capabilities that are available.
MODEST_DOCKER = (23,)
# Measured in running clusters: inotify instances of a control plane node and of a worker node.
CONTROL_PLANE_INSTANCES, WORKER_INSTANCES = 30, 15
WATCHES_PER_NODE = 8192
ROOT = os.geteuid() == 0
SUDO = "" if ROOT else "sudo "


def run(*argv: str) -> tuple[int, str, str]:
    """Exit code, stdout and stderr. A missing program, or one that hangs, counts as failed."""
    try:
        done = subprocess.run(argv, capture_output=True, text=True, timeout=20, check=False, stdin=subprocess.DEVNULL)
    except (OSError, subprocess.TimeoutExpired) as error:
        return 127, "", str(error)
    return done.returncode, done.stdout, done.stderr.strip()


def numbers(text: str) -> tuple[int, ...]:
    return tuple(int(part) for part in re.findall(r"\d+", text)[:3])


def read_number(path: str) -> int:
    try:
        return int(Path(path).read_text())
    except (OSError, ValueError):
        return 0


# engine


def engine(requested: str) -> dict[str, object]:
    """The requested engine; for auto the first that answers, or docker."""
    probed = []
    for name in ENGINES if requested == "auto" else (requested,):
        probed.append(probe(name))
        if probed[-1]["answers"]:
            return probed[-1]
    first = probed[0]
    first["problem"] = problem(first)
    first["denied"] = is_denied(first) and shutil.which("sudo") is not None
    return first


def probe(name: str) -> dict[str, object]:
    found: dict[str, object] = {
        "name": name,
        "cli": shutil.which(name) is not None,
        "answers": False,
        "problem": "",
        "error": "",
        "denied": False,
    }
    found["daemon"] = name == "docker" and shutil.which("dockerd") is not None
    if not found["cli"]:
        return found
    code, output, error = run(name, "info", "--format", "json" if name == "podman" else "{{json .}}")
    try:
        info = json.loads(output) if output.strip() else {}
    except ValueError:
        info = {}
    if name == "podman" and code == 0:
        info = {
            "ServerVersion": info["version"]["Version"],
            "DockerRootDir": info["store"]["graphRoot"],
            "CgroupVersion": info["host"]["cgroupVersion"],
        }
    found["error"] = error or "; ".join(info.get("ServerErrors") or [])
    if info.get("ServerVersion"):
        found.update(
            answers=True,
            error="",
            version=info["ServerVersion"],
            root=info.get("DockerRootDir", "/"),
            cgroup=str(info.get("CgroupVersion", "")).lstrip("v"),
            runtime=info.get("DefaultRuntime", ""),
        )
    return found


def problem(found: dict[str, object]) -> str:
    """Why the role cannot set up the engine, with the next step; empty if it can."""
    error, user = str(found["error"]), pwd.getpwuid(os.geteuid()).pw_name
    if found["name"] != "docker":
        name, why = found["name"], error or "not installed"
        return f"{name} does not answer ({why}). Next: make `{name} info` work, or choose docker (engine_name)."
    if os.environ.get("DOCKER_HOST"):
        return (
            f"Docker at DOCKER_HOST={os.environ['DOCKER_HOST']} does not answer ({error}). "
            "Next: make `docker info` work, or unset DOCKER_HOST."
        )
    if is_denied(found):
        return (
            f"{user} is not allowed to use Docker. "
            f"Next: sudo usermod -aG docker {user}, log in again and check `docker info`; or run as root."
        )
    if not ROOT and shutil.which("sudo") is None:
        return (
            f"No container engine answers, and {user} cannot install one without sudo. "
            "Next: run as root, or install Docker."
        )
    return ""


def is_denied(found: dict[str, object]) -> bool:
    """Whether Docker runs on this machine, and the user may not use it."""
    denied = "permission denied" in str(found["error"]).lower()
    return denied and found["name"] == "docker" and not os.environ.get("DOCKER_HOST")


def missing_capabilities(status: Path) -> list[int]:
    """Numbers of the capabilities that the bounding set of the process lacks."""
    known = read_number("/proc/sys/kernel/cap_last_cap")
    found = re.search(r"^CapBnd:\s*(\w+)", status.read_text(), re.MULTILINE)
    return [bit for bit in range(known + 1) if found and not int(found.group(1), 16) >> bit & 1]


def modest(distribution_name: str, release: tuple[int, ...]) -> bool:
    """Whether the installed Docker, or the one to be installed, requests only available capabilities."""
    if shutil.which("dockerd"):
        return numbers(run("dockerd", "--version")[1].partition("version")[2]) >= MODEST_DOCKER
    return distribution_name != "debian" or release >= (13,)


def daemon_status() -> Path | None:
    for path in Path("/proc").glob("[0-9]*/comm"):
        try:
            if path.read_text().strip() == "dockerd":
                return path.parent / "status"
        except OSError:
            continue
    return None


# Python


def python(cache: Path, requirements: list[str]) -> dict[str, object]:
    """An interpreter with the modules' libraries: this one, or that of the environment which the role makes."""
    own = cache / "python/bin/python"
    found = {
        "good": not missing(requirements),
        "path": sys.executable,
        "version": "{}.{}".format(*sys.version_info),
        "ensurepip": importlib.util.find_spec("ensurepip") is not None,
        "target": str(cache / "python"),
    }
    if not found["good"] and run(str(own), "-B", __file__, "--libraries", *requirements)[0] == 0:
        found.update(good=True, path=str(own))
    return found


def missing(requirements: list[str]) -> list[str]:
    """The requirements, each as NAME>=VERSION, that this interpreter does not meet."""
    found = []
    for requirement in requirements:
        name, _operator, minimum = requirement.partition(">=")
        try:
            version = importlib.metadata.version(name) or ""
        except importlib.metadata.PackageNotFoundError:
            version = ""
        if numbers(version) < numbers(minimum):
            found.append(requirement)
    return found


# kind


def kind(minimum: str, cache: Path) -> dict[str, object]:
    target = cache / "bin/kind"
    asset = f"kind-linux-{ARCHITECTURES.get(platform.machine(), platform.machine())}"
    for path in filter(None, (shutil.which("kind"), str(target) if target.exists() else None)):
        version = re.search(r"v(\d+\.\d+\.\d+)", run(path, "version")[1])
        if version and numbers(version.group(1)) >= numbers(minimum):
            return {"good": True, "path": path, "version": version.group(1), "asset": asset, "target": str(target)}
    return {"good": False, "path": str(target), "version": "", "asset": asset, "target": str(target)}


# limits


def limit(name: str, found: str, needed: str, mend: str, fatal: bool = False) -> dict[str, object]:
    return {"name": name, "text": f"{name}: {found} found, {needed} needed. Next: {mend}", "fatal": fatal}


def running_nodes(engine_name: str) -> list[str]:
    """The names of the running nodes of all clusters."""
    return run(engine_name, "ps", "--filter", "label=io.x-k8s.kind.cluster", "--format", "{{.Names}}")[1].split()


def nodes_of(clusters: list[str], running: list[str]) -> list[str]:
    roles = "control-plane|worker|external-load-balancer"
    return [name for name in running if re.sub(rf"-({roles})\d*$", "", name) in clusters]


def instances_of(nodes: list[str]) -> int:
    """Inotify instances that the processes of nodes use, whoever asks."""
    planes = sum("-control-plane" in name for name in nodes)
    workers = sum(bool(re.search(r"-worker\d*$", name)) for name in nodes)
    return CONTROL_PLANE_INSTANCES * planes + WORKER_INSTANCES * workers


def inotify(missing_nodes: int, nodes: int, running: list[str]) -> tuple[list[dict[str, object]], list[str]]:
    limits, sysctls = [], []
    per_cluster = CONTROL_PLANE_INSTANCES + WORKER_INSTANCES * (nodes - 1)
    most = read_number("/proc/sys/fs/inotify/max_user_instances")
    used = max(instances_in_use(), instances_of(running))
    more = min(per_cluster, WORKER_INSTANCES * missing_nodes + WORKER_INSTANCES) if missing_nodes else 0
    if most < per_cluster or most - used < more:
        sysctls.append("fs.inotify.max_user_instances=1024")
        limits.append(
            limit(
                "inotify instances",
                f"{most} ({used} in use)",
                f"{max(more, per_cluster)} free",
                f"{SUDO}sysctl -w {sysctls[-1]}",
            )
        )
    watches = read_number("/proc/sys/fs/inotify/max_user_watches")
    if watches < WATCHES_PER_NODE * nodes:
        sysctls.append("fs.inotify.max_user_watches=524288")
        limits.append(
            limit("inotify watches", str(watches), str(WATCHES_PER_NODE * nodes), f"{SUDO}sysctl -w {sysctls[-1]}")
        )
    return limits, sysctls


def instances_in_use() -> int:
    """Inotify instances of all processes; without root only those of the user."""
    count = 0
    for directory in Path("/proc").glob("[0-9]*/fd"):
        try:
            count += sum(os.readlink(entry.path) == "anon_inode:inotify" for entry in os.scandir(directory))
        except OSError:
            continue
    return count


def cgroup(version: str, kubernetes: str) -> list[dict[str, object]]:
    if version == "1" and numbers(kubernetes)[:2] >= (1, 35):
        patch = "{kind: KubeletConfiguration, failCgroupV1: false}"
        mend = f"build the image (kindlab_image_source), add the kubeadm patch {patch}, or choose Kubernetes 1.34"
        return [limit("cgroups", "version 1", f"version 2 for Kubernetes {kubernetes}", mend)]
    return []


def disk(name: str, path: Path, gigabytes: int, program: str = "") -> list[dict[str, object]]:
    # Not path.exists(), which fails in directories of other users.
    existing = next(candidate for candidate in (path, *path.parents) if os.path.exists(candidate))
    free = shutil.disk_usage(existing).free / 2**30
    if free >= gigabytes:
        return []
    mend = (
        f"{program} system prune (removes stopped containers and unused images)"
        if name == "engine"
        else f"free some space at {existing}, or use another directory (kindlab_cache)"
    )
    return [
        limit(f"disk space for the {name} at {path}", f"{free:.1f} GB", f"{gigabytes} GB", mend, free < gigabytes / 4)
    ]


def memory(missing_nodes: int, megabytes: int) -> list[dict[str, object]]:
    found = re.search(r"^MemAvailable:\s+(\d+)", Path("/proc/meminfo").read_text(), re.MULTILINE)
    free, needed = int(found.group(1)) >> 10 if found else 0, megabytes * missing_nodes
    if free >= needed:
        return []
    return [
        limit(
            "memory",
            f"{free} MB",
            f"{needed} MB for {missing_nodes} nodes",
            "stop other programs, or create fewer nodes",
            free < needed / 3,
        )
    ]


def capabilities(found: dict[str, object]) -> list[dict[str, object]]:
    """Report a running Docker that cannot start nodes. The role does not change one that it did not start."""
    status = daemon_status() if found["name"] == "docker" and found["answers"] else None
    if (
        status is None
        or numbers(str(found["version"])) >= MODEST_DOCKER
        or found["runtime"] not in ("runc", "io.containerd.runc.v2")
    ):
        return []
    missing = missing_capabilities(status)
    if not missing:
        return []
    text = (
        f"Docker {found['version']} cannot start privileged containers, because it lacks the capabilities {missing}. "
        f"Next: {SUDO}pkill -x dockerd (stops all containers), then run again to start Docker with a runtime that "
        "requests fewer capabilities"
    )
    return [{"name": "capabilities", "text": text, "fatal": True}]


def distribution() -> tuple[str, tuple[int, ...]]:
    try:
        lines = [line.partition("=") for line in Path("/etc/os-release").read_text().splitlines()]
    except OSError:
        return "unknown", ()
    facts = {key: value.strip('"') for key, _equals, value in lines}
    known = [name for name in (facts.get("ID", ""), *facts.get("ID_LIKE", "").split()) if name in ("ubuntu", "debian")]
    return (known or [facts.get("ID", "unknown")])[0], numbers(facts.get("VERSION_ID", ""))


def answer(question: str, *words: str) -> None:
    """Answer one question alone."""
    if question == "--installed":
        print(json.dumps([name for name in ENGINES if shutil.which(name)]))
    elif question == "--libraries":
        sys.exit(bool(missing([*words])))
    else:
        print(json.dumps(kind(words[0], Path(words[1]).expanduser())))


def main() -> None:
    if sys.argv[1:2] in (["--installed"], ["--libraries"], ["--kind"]):
        answer(*sys.argv[1:])
        return
    parser = argparse.ArgumentParser(description=__doc__)
    for name in ("engine", "cache", "clusters", "kind-minimum", "kubernetes"):
        parser.add_argument(f"--{name}", required=True)
    for name in ("nodes", "disk-gb", "memory-mb"):
        parser.add_argument(f"--{name}", required=True, type=int)
    parser.add_argument("--requirements", required=True, nargs="*")
    options = parser.parse_args()
    os.environ["PATH"] = f"{os.environ.get('PATH', '/usr/bin:/bin')}:{SYSTEM_PATH}"
    cache = Path(options.cache).expanduser()
    found = engine(options.engine)
    running = running_nodes(str(found["name"])) if found["answers"] else []
    missing_nodes = max(0, options.nodes - len(nodes_of(options.clusters.split(","), running)))
    limits, sysctls = inotify(missing_nodes, options.nodes, running)
    limits += (
        cgroup(str(found.get("cgroup", "")), options.kubernetes)
        + memory(missing_nodes, options.memory_mb)
        + capabilities(found)
    )
    limits += disk(
        "engine", Path(str(found.get("root", "/var/lib/docker"))), options.disk_gb, str(found["name"])
    ) + disk("cache", cache, options.disk_gb)
    name, version = distribution()
    print(
        json.dumps(
            {
                "root": ROOT,
                "user": pwd.getpwuid(os.geteuid()).pw_name,
                "os": name,
                "docker_cli_package": name == "debian" and version >= (13,),
                "engine": found,
                "python": python(cache, options.requirements),
                "kind": kind(options.kind_minimum, cache),
                "reduced_runtime": not found["answers"]
                and bool(missing_capabilities(Path("/proc/self/status")))
                and not modest(name, version),
                "limits": limits,
                "sysctls": sysctls,
            }
        )
    )


if __name__ == "__main__":
    main()
