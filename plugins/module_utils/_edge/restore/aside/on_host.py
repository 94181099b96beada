# Copyright: kindlab.volumes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Data on the host that is set aside, to be replaced, and removed later. in_node.py has the same functions."""

from __future__ import annotations

import glob
import os
import shlex
import shutil
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from itertools import chain, count

from ansible_collections.kindlab.volumes.plugins.module_utils._core.data import checksums
from ansible_collections.kindlab.volumes.plugins.module_utils._core.errors import CommandFailed
from ansible_collections.kindlab.volumes.plugins.module_utils._core.volumes.set_aside import moving, removing, set_aside
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.restore.extract import (
    content_of,
    copy_attributes,
    is_begun,
    unfinished,
)

__all__ = ["is_begun"]

_NOT_SET_ASIDE = "The data in {} cannot be set aside"


def is_free(directory: str, saved: Callable[[], Sequence[checksums.Entry]]) -> bool:
    """True if it is missing or empty, or a killed run was extracting an archive into it. saved: the archive's list."""
    try:
        return not content_of(directory) or unfinished(directory, saved)
    except FileNotFoundError:
        return True
    except OSError:
        # A comparison tells why it cannot be read.
        return False


def rename(directory: str, aside: str) -> None:
    """Set a whole directory aside. Raises CommandFailed."""
    with _explained(_NOT_SET_ASIDE.format(directory), directory):
        os.rename(directory, aside)


def set_content_aside(directory: str, at: str) -> None:
    """Set aside what is in a directory, which stays the same one, because nodes may have it mounted.

    at: see set_aside(). A rerun completes it; what came back under the name of what a killed run had moved is set aside
    for itself. Raises CommandFailed; nothing is overwritten.
    """
    hidden = moving(directory)
    with _explained(_NOT_SET_ASIDE.format(directory), directory):
        names = content_of(directory)
        if not names and not is_begun(directory):
            return
        if any(os.path.lexists(os.path.join(hidden, name)) for name in names):
            _finish(directory, at)
        os.makedirs(hidden, mode=0o700, exist_ok=True)
        for name in names:
            os.rename(os.path.join(directory, name), os.path.join(hidden, name))
        _finish(directory, at)


def _finish(directory: str, at: str) -> None:
    """Give what was moved its name."""
    copy_attributes(directory, moving(directory))
    os.rename(moving(directory), _unused(set_aside(directory, at)))


def what_was_set_aside(directory: str, at: str) -> list[str]:
    """What was set aside at that time, completely, and is still there."""
    path = set_aside(directory, at)
    return sorted(found for found in (path, *glob.glob(f"{glob.escape(path)}-*")) if os.path.isdir(found))


def remove_rest(directory: str) -> None:
    """Remove what killed runs left of data that they were removing: it is no data of a volume any more."""
    for left in glob.glob(f"{glob.escape(removing(directory))}*"):
        shutil.rmtree(left, ignore_errors=True)


def remove_aside(directory: str, aside: str) -> None:
    """Remove what was set aside. Raises CommandFailed."""
    target = _unused(removing(directory))
    with _explained(f"{aside} cannot be removed", aside):
        os.rename(aside, target)
    shutil.rmtree(target, ignore_errors=True)


def _unused(path: str) -> str:
    """The path, or the first one with a number that does not exist."""
    numbered = (f"{path}-{number}" for number in count(2))
    return next(candidate for candidate in chain([path], numbered) if not os.path.lexists(candidate))


@contextmanager
def _explained(failure: str, directory: str) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise CommandFailed(
            f"{failure}: {error.strerror} ({error.filename}).",
            tried=shlex.join(["ls", "-ld", os.path.dirname(directory), directory]),
            next_step="Correct this.",
        ) from None
