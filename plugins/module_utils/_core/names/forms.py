# Copyright: kindlab.volumes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Forms of names in Kubernetes, as regular expressions: RFC 1123 label and subdomain."""

from __future__ import annotations

LABEL = r"[a-z0-9](?:[-a-z0-9]{0,61}[a-z0-9])?"
_PART = r"[a-z0-9](?:[-a-z0-9]*[a-z0-9])?"
# Kubernetes limits its whole length, not that of its parts.
SUBDOMAIN = rf"(?=.{{1,253}}\Z){_PART}(?:\.{_PART})*"
