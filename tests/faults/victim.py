"""A backup of two volumes with unusual content by volume_backup, and its restore by volume_restore after damage."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import datetime, timezone
from pathlib import Path
from typing import Any, NamedTuple, TypeAlias

from hypothesis import strategies as st

from ansible_collections.kindlab.volumes.plugins.module_utils._action import volume_backup, volume_restore
from ansible_collections.kindlab.volumes.plugins.module_utils._core.backup.manifests import MANIFESTS
from ansible_collections.kindlab.volumes.plugins.module_utils._core.errors import KindlabError
from ansible_collections.kindlab.volumes.plugins.module_utils._core.options import defaults
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.backup.reader import read_backup
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.command import Completed
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.data.scan import scan
from ansible_collections.kindlab.volumes.tests.unit.support import backups, fakes, nodes

# Path in the generation -> content of the file, or a function that creates something else there.
Files: TypeAlias = "dict[str, bytes | Callable[[Path], object]]"
Seen: TypeAlias = "dict[str, tuple[int, ...]]"

COMPRESSIONS: tuple[str, ...] = ("zstd", "gzip")
# What is known only once an archive was extracted beside its volume, or in its existing directory.
LATE = ("The data extracted from ", "tar could not extract ", "The extracted data ", " cannot be extracted to ")
# Either: the damage may have no effect.
REFUSED: tuple[str, ...] = ("refused",)
EITHER: tuple[str, ...] = ("refused", "equal")
VOLUMES = (0, 1)
NODE = {"apiVersion": "v1", "kind": "Node", "metadata": {"name": "k-worker"}}
BOTH: dict[str, Any] = {"engine": "docker", "cluster": "k", "kubeconfig": None, "context": None}
BOTH |= dict.fromkeys(("names", "namespaces", "storage_classes"))
SAVE = {**defaults(volume_backup.ARGUMENTS), **BOTH, "data": "archive"}
RESTORE: dict[str, Any] = {
    "generation": None,
    "claims": True,
    "reclaim_policy": "keep",
    "node_map": {},
    "wait_timeout": 1,
}
RESTORE |= {"create_namespaces": True, "create_storage_classes": True}
THEN = datetime(2026, 1, 2, tzinfo=timezone.utc)


class How(NamedTuple):
    """Options of a restore. inside: into a node, not on the host; empty: the directories of the volumes exist."""

    verify: str
    inside: bool
    empty: bool


class Way(NamedTuple):
    """A kind of damage. share: of all cases; damage: damages the files at random and describes the damage.

    verify: values of the option that must detect it. allowed: the correct verdicts.
    """

    name: str
    share: int
    damage: Callable[[st.DataObject, Files, Victim], str]
    verify: tuple[str, ...] = ("full", "fast", "none")
    allowed: tuple[str, ...] = REFUSED
    compressions: tuple[str, ...] = COMPRESSIONS


class Verdict(NamedTuple):
    """word: refused, equal (restored exactly as saved) or wrong; why: the reason for wrong."""

    word: str
    why: str = ""


class Node(nodes.NodesHere):
    """This host as a node. Commands with paths outside of top fail: damaged paths must not lead there."""

    def __init__(self, script: Sequence[tuple[Sequence[str], Completed | str | Exception]], top: str) -> None:
        super().__init__(script)
        self.top = top

    def run(self, argv: Sequence[str], **how: Any) -> Completed:
        """Run a command if all of its paths are below top."""
        for word in argv:
            if word.startswith("/") and not _is_below(os.path.normpath(word), self.top):
                raise AssertionError(f"{word} is used in a node")
        return super().run(argv, **how)


class Victim:
    """files: the undamaged generation. outside: a directory that no restore may change, like all else in top."""

    def __init__(self, top: Path, compression: str) -> None:
        self.top, self.outside = top, top / "a" / "outside"
        self.data, self.backup = top / "a" / "b" / "data", top / "a" / "b" / "backup"
        for number in VOLUMES:
            _odd(self.data / f"v{number}", number, self.outside)
        self.saved = [scan(str(self.data / f"v{number}"), "full") for number in VOLUMES]
        volumes = (backups.volume(number, places=str(self.data)) for number in VOLUMES)
        made = (backups.NAMESPACE, backups.STORAGE_CLASS, *volumes, *map(backups.claim, VOLUMES))
        cluster = fakes.FakeCluster(NODE, *made)
        fakes.binding_controller(cluster)
        options = {**SAVE, "path": str(self.backup), "compression": compression}
        runner = self._runner(inside=False)
        volume_backup.run(options, False, runner=runner, connect=_to(cluster), now=lambda: THEN)
        (self.generation,) = (self.backup / "generations").iterdir()
        found = (path for path in self.generation.rglob("*") if path.is_file())
        self.files: Files = {str(path.relative_to(self.generation)): path.read_bytes() for path in found}
        self.whole = self._believed()

    def restore(self, files: Files, how: How) -> Verdict:
        """Create all directories again, with these files as the backup, and restore it."""
        self._lay_out(files, how.empty)
        before = self._seen()
        cluster = fakes.FakeCluster(NODE)
        cluster.react = fakes.binding_controller
        options = {**BOTH, **RESTORE, "path": str(self.backup), "verify": how.verify}
        refusal = ""
        try:
            volume_restore.run(options, False, runner=self._runner(how.inside), connect=_to(cluster))
        except KindlabError as error:
            refusal = error.message
        except Exception as error:  # noqa: BLE001 (no other exception may be raised)
            return Verdict("wrong", f"raised {type(error).__name__}: {error}")
        after = self._seen()
        if any(text in refusal for text in LATE):
            before, after = self._without_changes_of_volumes(before), self._without_changes_of_volumes(after)
        volumes = [f"{self.data}/v{number}" for number in VOLUMES]
        changed = sorted(path for path in before.keys() | after.keys() if before.get(path) != after.get(path))
        outside = [path for path in changed if not any(_is_below(path, volume) for volume in volumes)]
        if outside:
            return Verdict("wrong", f"touched {', '.join(outside[:3])} ({refusal or 'accepted'})")
        touched = [number for number in VOLUMES if any(_is_below(path, volumes[number]) for path in changed)]
        if not all(os.path.isdir(volumes[n]) and scan(volumes[n], "full") == self.saved[n] for n in touched):
            return Verdict("wrong", f"a volume differs from what was saved ({refusal or 'accepted'})")
        if refusal:
            return Verdict("wrong", f"wrote to the cluster: {refusal}") if cluster.writes else Verdict("refused")
        whole = len(touched) == len(VOLUMES) and self._believed() == self.whole
        return Verdict("equal") if whole else Verdict("wrong", "accepted")

    def _lay_out(self, files: Files, empty: bool) -> None:
        for place in (self.data, self.outside, self.backup):
            shutil.rmtree(place, ignore_errors=True)
        for place in (self.data, self.outside / "d", self.generation):
            place.mkdir(parents=True)
        (self.outside / "f").write_bytes(b"not yours")
        for number in VOLUMES if empty else ():
            (self.data / f"v{number}").mkdir()
        for name, content in files.items():
            # Some names are not valid file names.
            with suppress(ValueError, OSError):
                path = self.generation / name
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(content) if isinstance(content, bytes) else content(path)

    def _seen(self) -> Seen:
        """Metadata of everything in top; any change updates at least the ctime."""
        found: Seen = {}
        for above, directories, files in os.walk(self.top):
            for path in (os.path.join(above, name) for name in (*directories, *files)):
                own = os.lstat(path)
                found[path] = (own.st_ino, own.st_mode, own.st_size, own.st_mtime_ns, own.st_ctime_ns, own.st_nlink)
        # Directories of volumes may be created and deleted in it.
        del found[str(self.data)]
        return found

    def _without_changes_of_volumes(self, seen: Seen) -> Seen:
        """Without the ctime of the volumes' directories: an existing one is filled in place."""
        volumes = [f"{self.data}/v{number}" for number in VOLUMES]
        return {path: (*own[:4], 0, *own[5:]) if path in volumes else own for path, own in seen.items()}

    def _believed(self) -> tuple[object, ...]:
        """All that is read from the backup except its archives, whose content is compared in the volumes."""
        found = read_backup(self.backup)
        volumes = tuple(replace(volume, archive=None) for volume in found.catalog.volumes)
        catalog = replace(found.catalog, files=dict.fromkeys(found.catalog.files, ""), volumes=volumes)
        return catalog, [found.objects(kind) for kind in MANIFESTS], [found.entries(volume) for volume in volumes]

    def _runner(self, inside: bool) -> nodes.NodesHere:
        """A node with the directories of the volumes mounted from the host, unless inside."""
        mounts = {} if inside else {str(self.data)[1:]: str(self.data)}
        found = json.dumps([backups.inspected("k-worker", "k", "worker", **mounts)])
        return Node([(["docker", "ps"], "abc\n"), (["docker", "inspect"], found)], str(self.top))


def _to(cluster: fakes.FakeCluster) -> Callable[..., Any]:
    return lambda *_where: cluster


def _is_below(path: str, directory: str) -> bool:
    return f"{path}/".startswith(f"{directory}/")


def _odd(top: Path, number: int, outside: Path) -> None:
    """A small volume with unusual content and fixed times, so that a seed generates the same cases."""
    (top / "d" / "empty").mkdir(parents=True)
    top.chmod(0o2775)
    for name in (b"d/f", b"a b", b"new\nline", b"\xff", b"-rf", "ä€😀".encode(), b"x" * 200):
        Path(os.fsdecode(os.fsencode(top) + b"/" + name)).write_bytes(b"%s of %d" % (name, number))
    with (top / "holes").open("wb") as file:
        file.truncate(300_000)
        file.seek(150_000)
        file.write(b"middle")
    (top / "twin").hardlink_to(top / "d" / "f")
    (top / "absolute").symlink_to(outside / "d")
    (top / "up").symlink_to("../../outside")
    os.link(top / "up", top / "up too", follow_symlinks=False)
    os.mkfifo(top / "fifo", 0o640)
    with suppress(OSError):
        os.setxattr(top / "twin", "user.note", b"\0\xff")
    for path in (*top.rglob("*"), top):
        os.utime(path, ns=(1, 1_234_567_890_123_456_789), follow_symlinks=False)
