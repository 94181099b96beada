# Copyright: kindlab.volumes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Whether a pod's user can use the data: entries that it may not read or write, and links that lead out of it."""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass

from ansible_collections.kindlab.volumes.plugins.module_utils._core.errors import BadInput

from .place import Place
from .request import Request, User

SHOWN = 10
DETAILS = 1000
# As the kernel: so many links, one behind another, are a loop.
LINKS_MAX = 40
_KINDS = {"d": "directory", "f": "file"}


@dataclass(frozen=True)
class Entry:
    """A file or directory as pods see it; path: below the data's directory, '' for that itself."""

    kind: str
    mode: str
    uid: int
    gid: int
    path: str

    def text(self) -> str:
        """The entry for people."""
        return f"{self.path or '.'} ({_KINDS.get(self.kind, self.kind)}, mode {self.mode}, owner {self.uid}:{self.gid})"


@dataclass(frozen=True)
class Contents:
    """What was found in the data: links with their targets, and what the user may not use."""

    links: Mapping[str, str]
    denied: tuple[Entry, ...] = ()


def check_contents(request: Request, place: Place, found: Contents) -> None:
    """Raise BadInput, with the command that would mend it, for what a pod could not use."""
    if not request.outside_links:
        _check_links(place.host_directory, found.links)
    if found.denied:
        raise _refused(request.user, place, found.denied, "read" if request.read_only else "read and write")


def leads_out(link: str, links: Mapping[str, str], directory: str) -> bool:
    """True where a link, followed over further links of the data, ends outside of the directory.

    links: path below the directory -> target. A link to nothing inside leads nowhere, not out.
    """
    here = link.split("/")[:-1]
    todo = _parts(links[link])
    followed = 1
    if links[link].startswith("/"):
        here, todo = [], _below(links[link], directory)
    while todo:
        part = todo.pop(0)
        if part == "/outside":
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
            here, todo = [], _below(target, directory) + todo
        else:
            todo = _parts(target) + todo
    return False


def _parts(path: str) -> list[str]:
    return [part for part in path.split("/") if part not in ("", ".")]


def _below(target: str, directory: str) -> list[str]:
    """The way from the directory to an absolute target, '/outside' where it is not in it."""
    # '..' is resolved on the way, as a link may come before it.
    top = _parts(directory)
    parts = _parts(target)
    return parts[len(top) :] if parts[: len(top)] == top else ["/outside"]


def _check_links(directory: str, links: Mapping[str, str]) -> None:
    out = [f"{link} -> {links[link]}" for link in sorted(links) if leads_out(link, links, directory)]
    if out:
        raise BadInput(
            f"{_count(len(out), 'link')} of {directory} lead{'s' if len(out) == 1 else ''} out of it, where no pod "
            f"can follow: {_shown(out)}. Nothing was changed.",
            tried=f"find {shlex.quote(directory)} -type l -printf '%P -> %l\\n'",
            next_step="Make them lead inside, expose the directory that holds both, or use outside_links: allow.",
            details=[_printable(line) for line in out[:DETAILS]],
        )


def _refused(user: User, place: Place, denied: tuple[Entry, ...], verb: str) -> BadInput:
    where, inside = shlex.quote(place.host_directory), shlex.quote(place.node_directory)
    rights = "rX" if verb == "read" else "rwX"
    default = f",d:u:{user.uid}:rwX" if verb != "read" else ""
    as_user = f"--reuid={user.uid} --regid={user.gid} --clear-groups"
    ways = [f"setfacl -R -m u:{user.uid}:{rights}{default} {where}"]
    if verb == "read":
        ways.insert(0, f"chmod -R a+rX {where}")
    owners = {entry.uid for entry in denied} - {user.uid}
    owned = f" (run_as_user: {min(owners)} is the owner)" if len(owners) == 1 else ""
    return BadInput(
        f"A pod of {user.text()} could not {verb} {_count(len(denied), 'entry', 'entries')} of "
        f"{place.host_directory}: {_shown(entry.text() for entry in denied)}. Nothing was changed.",
        tried=f"docker exec {place.nodes[0]} setpriv {as_user} ls -la {inside}",
        next_step=f"On the host: {' or: '.join(ways)}. Or name the user that the pods have{owned}.",
        details=[{**asdict(entry), "path": _printable(entry.path)} for entry in denied[:DETAILS]],
    )


def _shown(lines: Iterable[str]) -> str:
    found = [_printable(line) for line in lines]
    more = f"; and {len(found) - SHOWN} more" if len(found) > SHOWN else ""
    return "; ".join(found[:SHOWN]) + more


def _printable(text: str) -> str:
    """Names are bytes: those that are no UTF-8 are shown with their escapes."""
    return text.encode("utf-8", "backslashreplace").decode()


def _count(number: int, one: str, many: str = "") -> str:
    return f"{number} {one if number == 1 else many or f'{one}s'}"
