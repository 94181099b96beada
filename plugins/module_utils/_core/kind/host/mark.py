# Copyright: kindlab.volumes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The mark of a cluster that is being created or deleted: who does that, since when, and with which nodes."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from typing import Any

CREATING, DELETING = "creating", "deleting"


@dataclass(frozen=True)
class Mark:
    """action: CREATING or DELETING; nodes: those that are deleted. user, host, pid, since ('' or 0 if unknown): whose.

    config: kind's configuration of a creation.
    """

    action: str
    cluster: str = ""
    nodes: tuple[str, ...] = ()
    user: str = ""
    host: str = ""
    pid: int = 0
    since: str = ""
    config: str = ""

    @property
    def who(self) -> str:
        """'process 12 of user on host, since 2026-11-30T01:00:00Z', with what is known."""
        process = " of ".join(filter(None, (f"process {self.pid}" if self.pid else "", self.user))) or "another process"
        return f"{process}{f' on {self.host}' if self.host else ''}{f', since {self.since}' if self.since else ''}"

    def began(self, left: Iterable[str]) -> bool:
        """True if a deletion has removed a node. left: the nodes that exist."""
        return self.action == DELETING and bool(set(self.nodes).difference(left))

    def to_text(self) -> str:
        """The content of the file."""
        return json.dumps(asdict(self), indent=1) + "\n"


def read_mark(text: str, cluster: str) -> Mark | None:
    """The mark of a file's text, None if it is empty.

    One that nobody wrote here counts as that of a creation: what it says is believed only of an unused cluster.
    """
    if not text.strip():
        return None
    try:
        fields = json.loads(text)
    except (ValueError, RecursionError):
        fields = None
    if not isinstance(fields, Mapping) or fields.get("action") not in (CREATING, DELETING):
        return Mark(CREATING, cluster)
    nodes, pid = fields.get("nodes"), fields.get("pid")
    return Mark(
        action=fields["action"],
        cluster=_text(fields, "cluster") or cluster,
        nodes=tuple(str(node) for node in nodes) if isinstance(nodes, list) else (),
        pid=pid if isinstance(pid, int) else 0,
        **{name: _text(fields, name) for name in ("user", "host", "since", "config")},
    )


def _text(fields: Mapping[str, Any], name: str) -> str:
    value = fields.get(name)
    return value if isinstance(value, str) else ""
