# Copyright: kindlab.volumes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Plan a map: what its file becomes. The time at which it was made is no change."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from ansible_collections.kindlab.volumes.plugins.module_utils._core.kube.objects import Object

from .compare import changes
from .mermaid import as_mermaid
from .page.document import as_html
from .request import HTML, JSON, MERMAID, Request
from .terminal import as_text

# Each form begins with it.
_CREATED = re.compile(r"created\W{1,5}(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ)")


@dataclass(frozen=True)
class Observed:
    """map: of what is there; before: an earlier one, None if none was named. existing: the file's text, '' if none."""

    map: Object
    before: Object | None = None
    existing: str = ""
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True)
class Plan:
    """The map in the requested form, and whether that differs from the file."""

    request: Request
    observed: Observed

    @cached_property
    def changes(self) -> list[Object] | None:
        """What differs from the earlier map, None if none was named."""
        return None if self.observed.before is None else changes(self.observed.before, self.observed.map)

    @cached_property
    def content(self) -> str:
        """The text of the file."""
        return self._rendered(self.observed.map)

    @cached_property
    def changed(self) -> bool:
        """True if a file is requested that does not exist, or shows something else."""
        existing = self.observed.existing
        if not self.request.path or existing == self.content:
            return False
        found = _CREATED.search(existing)
        return not found or self._rendered({**self.observed.map, "created": found[1]}) != existing

    def diff(self) -> tuple[Mapping[str, Any], Mapping[str, Any]]:
        """The file before and after; of a page only what it is about."""
        if not self.changed:
            return {}, {}
        existing = self.observed.existing
        if self.request.format == HTML:
            found = _CREATED.search(existing)
            after = {"path": self.request.path, "created": self.observed.map["created"], "bytes": len(self.content)}
            return ({"created": found[1] if found else "", "bytes": len(existing)} if existing else {}), after
        return {self.request.path: existing}, {self.request.path: self.content}

    def result(self) -> dict[str, Any]:
        """The module's result."""
        shown = "" if self.request.format in (HTML, JSON) else self.content
        clusters = [(host, cluster) for host in self.observed.map["hosts"] for cluster in host["clusters"]]
        return {
            "map": self.observed.map,
            "path": self.request.path,
            "text": shown,
            "summary": [
                f"{cluster['name']} on {host['name']}: {cluster['problem'] or cluster['summary']}"
                for host, cluster in clusters
            ],
            "changes": self.changes or [],
        }

    def _rendered(self, lab: Object) -> str:
        request = self.request
        if request.format == JSON:
            return json.dumps(lab, indent=1, ensure_ascii=True) + "\n"
        if request.format == MERMAID:
            return as_mermaid(lab, self.changes)
        if request.format == HTML:
            return as_html(lab, self.changes)
        return as_text(lab, self.changes, request.width, color=request.color)
