# Copyright: kindlab.volumes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A map as one HTML file that needs no network: everything that is known is in it without the script."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterator, Mapping, Sequence
from html import escape
from typing import Any

from ansible_collections.kindlab.volumes.plugins.module_utils._core.kube.objects import Object
from ansible_collections.kindlab.volumes.plugins.module_utils._core.map.words import backup_text
from ansible_collections.kindlab.volumes.plugins.module_utils._core.text import listed

from .picture import name, picture
from .script import SCRIPT
from .style import STYLE
from .tables import changes_section, left_table, time, volumes_table, with_time

_FORM = """<form role="search"><label>Search <input type="search" id="search" autocomplete="off"
placeholder="claim, pod, node, path"></label><fieldset><legend>Survives</legend>
<label><input type="checkbox" name="survives" value="yes" checked> yes</label>
<label><input type="checkbox" name="survives" value="no" checked> no</label>
<label><input type="checkbox" name="survives" value="unknown" checked> unknown</label></fieldset>
<output id="told" aria-live="polite"></output></form>"""


def as_html(lab: Mapping[str, Any], changed: Sequence[Object] | None) -> str:
    """changed: what differs from an earlier map, None if there is none."""
    return "".join(_document(lab, changed))


def _document(lab: Mapping[str, Any], changed: Sequence[Object] | None) -> Iterator[str]:
    # Nothing but these two may run or be loaded, whatever the names contain.
    policy = f"default-src 'none'; style-src {_digest(STYLE)}; script-src {_digest(SCRIPT)}"
    title = f"Map of {listed([host['name'] for host in lab['hosts']], 3)}"
    yield f'<!doctype html>\n<!-- created {escape(lab["created"])} -->\n<html lang="en"><head><meta charset="utf-8">\n'
    yield f'<meta http-equiv="Content-Security-Policy" content="{escape(policy)}">\n'
    yield '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
    yield f"<title>{escape(title)}</title>\n<style>{STYLE}</style></head>\n<body>\n"
    yield f"<header><h1>{name(title)}</h1><p>As it was at {time(lab['created'])}. Each tile is a volume: hover or focus"
    yield f" it for its details, which are also in the table below.</p>{_FORM}</header>\n<main>\n"
    if changed is not None:
        yield from changes_section(changed)
    for number, host in enumerate(lab["hosts"]):
        for other, cluster in enumerate(host["clusters"]):
            yield from _cluster(host, cluster, f"{number}-{other}")
        if not host["clusters"]:
            yield f"<p>{name(host['name'])} has no kind cluster.</p>"
    yield f'</main>\n<div id="card" role="tooltip" hidden></div>\n<script>{SCRIPT}</script></body></html>\n'


def _cluster(host: Mapping[str, Any], cluster: Mapping[str, Any], own: str) -> Iterator[str]:
    ids = {id(volume): f"v{own}-{number}" for number, volume in enumerate(cluster["volumes"])}
    where = f"{escape(cluster['state'])}, {escape(host['engine'])} on {name(host['name'])}"
    yield f'<section aria-labelledby="c{own}"><h2 id="c{own}">{name(cluster["name"])} '
    yield f'<small class="faint">{where}</small></h2>\n'
    if cluster["problem"]:
        yield f'<p class="problem">Its volumes are not known: {name(cluster["problem"])}</p>'
    else:
        saved = with_time(backup_text(cluster["backup"]), cluster["backup"]["created"])
        yield f'<p class="summary"><strong>{name(cluster["summary"])}</strong>; {saved}.</p>\n'
    for warning in cluster["warnings"]:
        yield f'<p class="problem">{name(warning)}</p>'
    yield from picture(cluster, ids)
    yield from left_table(cluster)
    yield from volumes_table(cluster, ids)
    yield "</section>\n"


def _digest(text: str) -> str:
    """The source in a policy that allows this text alone."""
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"
