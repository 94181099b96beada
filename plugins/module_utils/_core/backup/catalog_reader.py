# Copyright: kindlab.volumes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Read a catalog: verify its checksum and choose the reader of its format."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

from ansible_collections.kindlab.volumes.plugins.module_utils._core.errors import BadInput

from .catalog import COLLECTION, Catalog, own_digest
from .catalog_v1 import DAMAGED, read_v1

# Format -> its reader.
READERS: Mapping[int, Callable[[dict[str, Any], str], Catalog]] = {1: read_v1}


class NewerFormat(BadInput):
    """A newer version of this collection wrote the backup."""


def read_catalog(text: str | bytes, where: str) -> Catalog:
    """The checked catalog. where: its file, for errors. Raises BadInput, NewerFormat."""
    try:
        data = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise BadInput(f"The catalog {where} is not complete JSON: {error}", next_step=DAMAGED) from None
    version = data.get("format") if isinstance(data, dict) else None
    if not isinstance(version, int) or isinstance(version, bool) or version < 1:
        raise BadInput(f"{where} is not a catalog of kindlab.volumes: it has no format number.", next_step=DAMAGED)
    if version not in READERS:
        known = ", ".join(map(str, READERS))
        raise NewerFormat(
            f"The catalog {where} has format {version}; kindlab.volumes {COLLECTION} can read format {known}.",
            next_step=f"Install kindlab.volumes {data['collection']} or newer."
            if "collection" in data
            else "Install a newer kindlab.volumes.",
        )
    if data.pop("sha256", None) != own_digest(data):
        raise BadInput(f"The catalog {where} was changed after it was written.", next_step=DAMAGED)
    return READERS[version](data, where)
