# Copyright: kindlab.volumes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Read directories where provisioners create volumes: what is in them, and in their trash; and the paths to search."""

from __future__ import annotations

import os
from collections.abc import Collection, Mapping
from dataclasses import replace
from functools import partial

from ansible_collections.kindlab.volumes.plugins.module_utils._core.errors import BadInput
from ansible_collections.kindlab.volumes.plugins.module_utils._core.prune.directories import Former, entry_item
from ansible_collections.kindlab.volumes.plugins.module_utils._core.prune.model import TRASH_DIRECTORY, Item, Kept
from ansible_collections.kindlab.volumes.plugins.module_utils._core.prune.related import Related
from ansible_collections.kindlab.volumes.plugins.module_utils._core.prune.request import Request
from ansible_collections.kindlab.volumes.plugins.module_utils._core.volumes.set_aside import origin_of
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.bounds import answer
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.data.ways import Reach

from .trash import names_in, trash_items


def with_real_paths(request: Request) -> Request:
    """The request with its paths as they are on the disk. Raises BadInput for a directory to search that is none."""
    for path in request.directories:
        if not os.path.isdir(path):
            raise BadInput(f"directories names {path}, which is not a directory.", next_step="Correct directories.")
    return replace(
        request,
        names=frozenset(_named(name) for name in request.names),
        directories=tuple(map(os.path.realpath, request.directories)),
        backups=tuple(map(os.path.realpath, request.backups)),
    )


def directory_items(
    searched: Mapping[str, Kept | None],
    related: Related,
    saved: Mapping[str, Former],
    reach: Reach,
    *,
    any_name: bool = False,
) -> tuple[list[Item], list[str]]:
    """What is in these directories and in their trash; and a warning for each that cannot be read.

    searched: directory -> why it is not known what is used in it, None if it is. Links are left out, and names that
    cannot be printed: nobody here gives any. reach: of this user. The other arguments are those of entry_item.
    """
    items: list[Item] = []
    warnings = []
    for top, problem in searched.items():
        try:
            names = answer(partial(names_in, top, reach), top)
            beside, empty = frozenset(names), _empty(top, names, reach)
            rest = (name for name in names if name != TRASH_DIRECTORY)
            item_of = partial(
                entry_item, top, related=related, saved=saved, any_name=any_name, beside=beside, empty=empty
            )
            found = [item_of(name) for name in rest]
            found += trash_items(top, reach=reach)
        except FileNotFoundError:
            continue
        except OSError as error:
            warnings.append(f"{top} is not searched: {error.strerror}")
        else:
            items += [item.but(problem) for item in found]
    return items, warnings


def _empty(top: str, names: Collection[str], reach: Reach) -> frozenset[str]:
    """The directories without content of those whose data was set aside. Raises OSError."""
    aside = filter(None, (origin_of(name) for name in names))
    return frozenset(name for name, _date in aside if name in names and not reach.listed(os.path.join(top, name)))


def _named(name: str) -> str:
    """What is named may itself be a link."""
    parent, own = os.path.split(name)
    return os.path.join(os.path.realpath(parent), own) if name.startswith("/") else name
