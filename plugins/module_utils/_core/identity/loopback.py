# Copyright: kindlab.volumes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Whether a server's URL leads to this host."""

from __future__ import annotations

import ipaddress
from urllib.parse import urlsplit


def is_loopback(server: str) -> bool:
    """True if a URL leads to this host; False for what is no URL."""
    try:
        name = urlsplit(server).hostname or ""
    except ValueError:
        return False
    try:
        address = ipaddress.ip_address(name)
    except ValueError:
        return name == "localhost"
    return address.is_loopback or address.is_unspecified
