# Copyright: kindlab.volumes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Whether the pods' user can use the data: permissions, and symbolic links that lead out of the directory."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from dataclasses import asdict, dataclass

from ansible_collections.kindlab.volumes.plugins.module_utils._core.errors import BadInput
from ansible_collections.kindlab.volumes.plugins.module_utils._core.text import count, listed, printable

from .location import DirectoryLocation
from .request import Request, User

DETAILS = 1000
# The kernel's limit (MAXSYMLINKS): more are a loop.
LINKS_MAX = 40
_KINDS = {"d": "directory", "f": "file"}
_OUTSIDE = "/outside"


@dataclass(frozen=True)
class Entry:
    """A file or directory as pods see it; path: relative to the data's directory, '' for that itself."""

    kind: str
    mode: str
    uid: int
    gid: int
    path: str

    def text(self) -> str:
        """The entry for people."""
        path = printable(self.path) or "."
        return f"{path} ({_KINDS.get(self.kind, self.kind)}, mode {self.mode}, owner {self.uid}:{self.gid})"


@dataclass(frozen=True)
class Contents:
    """Symbolic links in the data with their targets, and what the user has no permission for."""

    links: Mapping[str, str]
    denied: tuple[Entry, ...] = ()


def check_contents(request: Request, location: DirectoryLocation, contents: Contents) -> None:
    """Raise BadInput, with the command that corrects it, for what a pod could not use."""
    if not request.allow_external_symlinks:
        _check_links(location.host_directory, contents.links)
    if contents.denied:
        raise _denied(request.user, location, contents.denied, read_only=request.read_only)


def escapes(link: str, links: Mapping[str, str], directory: str) -> bool:
    """True if a link, followed over further links of the data, ends outside of the directory.

    links: path relative to the directory -> target. A link to something missing inside does not escape.
    """
    here: list[str] = []
    todo = link.split("/")
    followed = 0
    while todo:
        part = todo.pop(0)
        if part == _OUTSIDE:
            return True
        if part == "..":
            if not here:
                return True
            here.pop()
            continue
        here.append(part)
        target = links.get("/".join(here))
        if target is None:
            continue
        followed += 1
        if followed > LINKS_MAX:
            return False
        here.pop()
        if target.startswith("/"):
            here, todo = [], _relative(target, directory) + todo
        else:
            todo = _parts(target) + todo
    return False


def _parts(path: str) -> list[str]:
    return [part for part in path.split("/") if part not in ("", ".")]


def _relative(target: str, directory: str) -> list[str]:
    """The parts of an absolute target below the directory, _OUTSIDE if it is elsewhere."""
    # '..' is resolved later, because a link may precede it.
    top = _parts(directory)
    parts = _parts(target)
    return parts[len(top) :] if parts[: len(top)] == top else [_OUTSIDE]


def _check_links(directory: str, links: Mapping[str, str]) -> None:
    out = [printable(f"{link} -> {links[link]}") for link in sorted(links) if escapes(link, links, directory)]
    if out:
        raise BadInput(
            f"{directory} has {count(len(out), 'symbolic link')} that point outside of it, which pods cannot follow: "
            f"{listed(out, separator='; ')}. Nothing was changed.",
            tried=f"find {shlex.quote(directory)} -type l -printf '%P -> %l\\n'",
            next_step="Make them point inside, expose a directory that contains both, or set "
            "allow_external_symlinks=true.",
            details=out[:DETAILS],
        )


def _denied(user: User, location: DirectoryLocation, denied: tuple[Entry, ...], *, read_only: bool) -> BadInput:
    directory, verb = shlex.quote(location.host_directory), "read" if read_only else "read and write"
    as_user = f"setpriv --reuid={user.uid} --regid={user.gid} --clear-groups"
    if read_only:
        fixes = [f"chmod -R a+rX {directory}", f"setfacl -R -m u:{user.uid}:rX {directory}"]
    else:
        fixes = [f"setfacl -R -m u:{user.uid}:rwX,d:u:{user.uid}:rwX {directory}"]
    owners = {entry.uid for entry in denied} - {user.uid}
    owner = f" (run_as_user={min(owners)} is the owner)" if len(owners) == 1 else ""
    return BadInput(
        f"A pod running as {user.text()} could not {verb} {count(len(denied), 'path')} in {location.host_directory}: "
        f"{listed((entry.text() for entry in denied), separator='; ')}. Nothing was changed.",
        tried=f"{location.engine} exec {location.nodes[0]} {as_user} ls -la {shlex.quote(location.node_directory)}",
        next_step=f"On the host: {' or: '.join(fixes)}. Or set the user that the pods run as{owner}.",
        details=[{**asdict(entry), "path": printable(entry.path)} for entry in denied[:DETAILS]],
    )
