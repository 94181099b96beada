# Copyright: kindlab.volumes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What a map is requested of, and in which form."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.kindlab.volumes.plugins.module_utils._core.errors import BadInput
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kube.objects import Object
from ansible_collections.kindlab.volumes.plugins.module_utils._core.options import check_not_empty, check_numbers

from .model import checked

HTML, TEXT, MERMAID, JSON = FORMATS = ("html", "text", "mermaid", "json")


@dataclass(frozen=True)
class Request:
    """The options. clusters: () for all. maps: those to draw together, None to look at this machine.

    before: the path of an earlier map, '' for none. full: read and compare what a deletion does.
    """

    clusters: tuple[str, ...] = ()
    kubeconfigs: Mapping[str, str] = field(default_factory=dict)
    backups: tuple[str, ...] = ()
    full: bool = False
    maps: tuple[Object, ...] | None = None
    before: str = ""
    host: str = ""
    path: str = ""
    format: str = HTML
    width: int = 100
    color: bool = False

    @classmethod
    def from_options(cls, options: Mapping[str, Any]) -> Request:
        """Raises BadInput."""
        check_not_empty(options, "clusters")
        check_numbers(options)
        kubeconfigs = {str(name): str(path) for name, path in (options["kubeconfigs"] or {}).items()}
        for name, path in kubeconfigs.items():
            if not path.startswith(("/", "~")):
                raise BadInput(
                    f"kubeconfigs names {path!r} for {name}, which is not an absolute path.",
                    next_step="Use an absolute path.",
                )
        maps = options["maps"]
        return cls(
            clusters=tuple(options["clusters"] or ()),
            kubeconfigs=kubeconfigs,
            backups=tuple(options["backups"] or ()),
            full=options["verify"] == "full",
            maps=None if maps is None else tuple(checked(one, f"maps[{n}]") for n, one in enumerate(maps)),
            before=options["before"] or "",
            host=options["host"] or "",
            path=options["path"] or "",
            format=options["format"],
            width=options["width"],
            color=options["color"],
        )
