"""A cluster's programs, compiled from Go modules; they share one go.mod: what is common is compiled once."""

from __future__ import annotations

import shutil
from pathlib import Path

from steps import Work

NEXT = "if the module proxy could not be reached: go env GOPROXY, then run again; compiled packages are kept"
VERSION = "k8s.io/component-base/version"


def kube(version: str, work: Work) -> None:
    """All of Kubernetes' programs, and the pod network's agent, as one binary."""
    major, minor, _patch = version.split(".")
    facts = {"gitVersion": f"v{version}", "gitMajor": major, "gitMinor": minor, "gitTreeState": "clean"}
    _compile(
        work, "./cmd/kube", "kube", ldflags=" ".join(f"-X {VERSION}.{name}={value}" for name, value in facts.items())
    )


def etcd(work: Work) -> None:
    _compile(work, "go.etcd.io/etcd/server/v3", "etcd")


def local_path_provisioner(work: Work) -> None:
    _compile(work, "github.com/rancher/local-path-provisioner", "local-path-provisioner")


def hostpath_provisioner(work: Work) -> None:
    _compile(work, "./cmd/hostpath-provisioner", "hostpath-provisioner")


def coredns(work: Work) -> None:
    """CoreDNS sets a field to zero that Kubernetes' libraries no longer have: compile a copy without that line."""
    go = work.tools["go"]
    module = work.runner.output(
        [go, "-C", work.sources / "go", "list", "-m", "-f", "{{.Dir}}", "github.com/coredns/coredns"],
        env=_environment(),
    )
    if not module.strip():
        work.runner.run(
            [go, "-C", work.sources / "go", "mod", "download", "github.com/coredns/coredns"],
            env=_environment(),
            hint=NEXT,
        )
        module = work.runner.output(
            [go, "-C", work.sources / "go", "list", "-m", "-f", "{{.Dir}}", "github.com/coredns/coredns"],
            env=_environment(),
        )
    copy = work.out / "source"
    shutil.copytree(module.strip(), copy, copy_function=shutil.copyfile)
    for path in [copy, *copy.rglob("*")]:
        path.chmod(0o755 if path.is_dir() else 0o644)
    informer = copy / "plugin/kubernetes/object/informer.go"
    informer.write_text(
        "".join(line for line in informer.read_text().splitlines(keepends=True) if "RetryOnError:" not in line)
    )
    modfile = work.out / "go.mod"
    for name in ("go.mod", "go.sum"):
        shutil.copyfile(work.sources / "go" / name, work.out / name)
    work.runner.run([go, "mod", "edit", "-replace", f"github.com/coredns/coredns={copy}", modfile])
    _compile(work, "./cmd/coredns", "coredns", modfile=modfile)
    shutil.rmtree(copy)
    for name in ("go.mod", "go.sum"):
        (work.out / name).unlink()


def _compile(work: Work, package: str, name: str, ldflags: str = "", modfile: Path | None = None) -> None:
    argv: list[str | Path] = [
        work.tools["go"],
        "build",
        "-C",
        work.sources / "go",
        "-trimpath",
        "-ldflags",
        f"-s -w {ldflags}".strip(),
    ]
    if modfile:
        argv.append(f"-modfile={modfile}")
    work.runner.run([*argv, "-o", work.out / name, package], env=_environment(), hint=NEXT)


def _environment() -> dict[str, str]:
    """Static binaries; and no workspace, vendor directory or flag of the user's may change what is built."""
    return {"CGO_ENABLED": "0", "GOWORK": "off", "GOFLAGS": "-buildvcs=false", "LC_ALL": "C"}
