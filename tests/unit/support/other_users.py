"""Users and hosts that cannot read what volumes have, while nodes can: in one process, and on this machine."""

from __future__ import annotations

import builtins
import codecs
import fcntl
import importlib
import json
import os
import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.kindlab.volumes.plugins.module_utils._edge.command import Completed, Runner
from ansible_collections.kindlab.volumes.tests.unit.support.fakes import FakeCluster, looked
from ansible_collections.kindlab.volumes.tests.unit.support.nodes import EXEC, NodesHere

NOBODY = 65534
# Of the real user, who is root: also where the effective one is another.
AS_ROOT = ("setpriv", "--reuid=0", "--regid=0", "--clear-groups")
OF_LINUX = (
    *((os, name) for name in ("listxattr", "getxattr", "setxattr", "removexattr", "sched_getaffinity")),
    (fcntl, "F_SETPIPE_SZ"),
)


class PrefixedNodes(NodesHere):
    """Nodes whose inside is this host. prefix: what commands inside them begin with; cluster: what kubectl shows."""

    def __init__(
        self,
        script: Sequence[tuple[Sequence[str], Completed | str | Exception]],
        prefix: Sequence[str],
        cluster: FakeCluster,
    ) -> None:
        super().__init__(script)
        self.prefix = prefix
        self.cluster = cluster

    def argv(self, argv: Sequence[str]) -> list[str]:
        return [*(self.prefix if list(argv[:3]) == EXEC else ()), *super().argv(argv)]

    def run(
        self,
        argv: Sequence[str],
        *,
        stdin: str | None = None,
        check: bool = True,
        timeout: float | None = None,
        env: Mapping[str, str] | None = None,
    ) -> Completed:
        if list(argv[:3]) != EXEC or looked(argv):
            return super().run(argv, stdin=stdin, check=check, timeout=timeout, env=env)
        if argv[4] == "kubectl":
            return Completed(0, json.dumps(self.cluster.read(argv[-1].removeprefix("--raw="))))
        self.inside.append(list(argv[4:]))
        return Runner().run(self.argv(argv), stdin=stdin, check=check, timeout=timeout or 60, env=env)


class Nobody:
    """A user who may read only what everybody may."""

    prefix = AS_ROOT

    def __init__(self, _top: Path) -> None:
        if os.geteuid() != 0 or shutil.which("setpriv") is None:
            pytest.skip("only root can be another user for a while")
        # Python may be where others cannot load more of it.
        codecs.lookup("ascii")
        importlib.import_module("_strptime")

    @contextmanager
    def acting(self) -> Iterator[None]:
        """Until the block ends."""
        groups = os.getgroups()
        os.setgroups([])
        os.setegid(NOBODY)
        os.seteuid(NOBODY)
        try:
            yield
        finally:
            os.seteuid(0)
            os.setegid(0)
            os.setgroups(groups)


class OtherHost:
    """A host without what only Linux has: functions, /proc, and GNU tar."""

    def __init__(self, top: Path) -> None:
        path = os.environ["PATH"]
        self.prefix = ("/usr/bin/env", f"PATH={path}")
        self.programs = top / "bin"
        self.programs.mkdir()
        for name in ("gzip", "sh"):
            (self.programs / name).symlink_to(str(shutil.which(name)))

    @contextmanager
    def acting(self) -> Iterator[None]:
        """Until the block ends."""
        opened = builtins.open

        def without_proc(file: Any, *arguments: Any, **options: Any) -> Any:
            if str(file).startswith("/proc/"):
                raise FileNotFoundError(2, "No such file or directory", str(file))
            return opened(file, *arguments, **options)

        with pytest.MonkeyPatch.context() as patch:
            for module, name in OF_LINUX:
                patch.delattr(module, name)
            patch.setattr(builtins, "open", without_proc)
            patch.setenv("PATH", str(self.programs))
            yield
