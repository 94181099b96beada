"""Choose the Debian mirror: the requested one, or the one that apt uses for the suite."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

APT = Path("/etc/apt")
LINE = re.compile(r"^deb\s+(?:\[[^\]]*\]\s+)?(?P<uri>https?://\S+)\s+(?P<suites>\S+)\s", re.MULTILINE)
STANZA = re.compile(r"^(URIs|Suites):\s*(.+)$", re.MULTILINE)


def choose(requested: str, suite: str, apt: Path = APT) -> str:
    """URL of the mirror; empty for the default one of debootstrap."""
    return requested or next((uri for uri, suites in _sources(apt) if suite in suites), "")


def _sources(apt: Path) -> Iterator[tuple[str, list[str]]]:
    for path in sorted([*apt.glob("sources.list"), *apt.glob("sources.list.d/*.list")]):
        for match in LINE.finditer(path.read_text(errors="replace")):
            yield match["uri"], match["suites"].split()
    for path in sorted(apt.glob("sources.list.d/*.sources")):
        for text in re.split(r"\n\s*\n", path.read_text(errors="replace")):
            stanza = dict(STANZA.findall(text))
            uris = [uri for uri in stanza.get("URIs", "").split() if uri.startswith("http")]
            if uris:
                yield uris[0], stanza.get("Suites", "").split()
