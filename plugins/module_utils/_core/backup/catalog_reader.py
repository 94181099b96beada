# Copyright: kindlab.volumes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Read a catalog: verify its checksum, and check it by the reader of its format."""

from __future__ import annotations

import json
import posixpath
import re
from collections.abc import Callable, Mapping
from dataclasses import is_dataclass
from functools import cache
from typing import Any, Union, get_args, get_origin, get_type_hints

from ansible_collections.kindlab.volumes.plugins.module_utils._core.errors import BadInput

from .catalog import (
    CATALOG,
    CHECKSUMS,
    COLLECTION,
    COMPRESSIONS,
    DATA,
    ELSEWHERE,
    HOST,
    NODE,
    OBJECTS,
    WHERE,
    Catalog,
    SavedVolume,
    own_digest,
)

DAMAGED = "Restore it from a copy, or use another generation of this backup; never edit a catalog by hand."

_NAME = re.compile(r"[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?")
# Of all files of a volume: each of them may be a hole of 8 EiB.
LARGEST = 10**30
_SHA256 = re.compile(r"[0-9a-f]{64}")


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


def _read_v1(data: dict[str, Any], where: str) -> Catalog:
    """Format 1, which had only volumes whose data was read, and not their phase."""
    volumes = data.get("volumes")
    for volume in volumes if isinstance(volumes, list) else ():
        if isinstance(volume, dict):
            inside = NODE if volume.get("archive") else ELSEWHERE
            kind = HOST if volume.get("host_directory") else inside
            volume.update(phase="", data=kind, source="", consistent=True)
    return _read_v2(data, where)


def _read_v2(data: dict[str, Any], where: str) -> Catalog:
    """Format 2, which had no objects but those that volumes need."""
    return _read_v3({**data, "objects": None}, where)


def _read_v3(data: dict[str, Any], where: str) -> Catalog:
    """Format 3: types, plausible values, and no path out of the backup."""
    catalog: Catalog = _typed(Catalog, data, "it", where)
    for path, digest in catalog.files.items():
        if not is_inside(path) or path == CATALOG or not _SHA256.fullmatch(digest):
            raise BadInput(f"The catalog {where} lists the invalid file {path!r}: {digest!r}.", next_step=DAMAGED)
    if catalog.data not in DATA or catalog.checksums not in CHECKSUMS:
        raise BadInput(
            f"The catalog {where} has an unknown data or checksums mode ({catalog.data}, {catalog.checksums}).",
            next_step=DAMAGED,
        )
    names: set[str] = set()
    for volume in catalog.volumes:
        why = "it is listed twice" if volume.name in names else _fault(volume, catalog)
        if why:
            raise BadInput(f"The catalog {where}, volume {volume.name!r}: {why}.", next_step=DAMAGED)
        names.add(volume.name)
    held = any(path.startswith(OBJECTS) for path in catalog.files)
    if catalog.objects is not None and min(catalog.objects.made, catalog.objects.changed) < 0:
        raise BadInput(f"The catalog {where} has a negative number of objects.", next_step=DAMAGED)
    if held is not bool(catalog.objects and (catalog.objects.made or catalog.objects.changed)):
        raise BadInput(f"The catalog {where} has files of objects, or counts them, but not both.", next_step=DAMAGED)
    return catalog


def is_inside(path: str) -> bool:
    """True for a plain relative path, which cannot leave the directory it is joined to (except by symbolic links)."""
    parts = path.split("/")
    # Names of volumes are ASCII; other characters may not be possible in file names.
    return path.isascii() and "\0" not in path and all(part not in ("", ".", "..") for part in parts)


def _fault(volume: SavedVolume, catalog: Catalog) -> str:
    """Why this cannot be a volume of the backup, '' if it can."""
    files = catalog.files
    claim = volume.claim.split("/") if volume.claim else []
    archive = volume.archive
    if not all(_NAME.fullmatch(name) for name in (volume.name, *claim)) or len(claim) not in (0, 2):
        return f"its name, or that of its claim {volume.claim!r}, is not valid in Kubernetes"
    for directory in filter(None, (volume.node_directory, volume.host_directory)):
        if not directory.startswith("/") or posixpath.normpath(directory) != directory or "\0" in directory:
            return f"{directory!r} is not an absolute, normalized path"
    if volume.checksum_list and volume.checksum_list not in files:
        return f"its checksum list {volume.checksum_list!r} is not among the files"
    if archive and (files.get(archive.path) != archive.sha256 or archive.compression not in COMPRESSIONS):
        return f"its archive {archive.path!r} is not among the files, or has another sha256 there"
    if volume.data not in WHERE:
        return f"its data is in an unknown place ({volume.data!r})"
    archived = volume.data == NODE or (volume.data == HOST and catalog.data == "archive")
    if archived and not (archive and volume.checksum_list):
        return "it has no archive, or no checksum list to verify what is extracted"
    sizes = (volume.files, volume.bytes, archive.bytes if archive else 0)
    return "" if all(0 <= size < LARGEST for size in sizes) else "it has impossible sizes"


def _typed(kind: Any, value: Any, name: str, where: str) -> Any:
    """JSON as a type of the catalog: dataclasses and mappings from objects, tuples from lists. Raises BadInput."""
    if get_origin(kind) is Union:
        kind = get_args(kind)[0]
        if value is None:
            return None
    has_fields = is_dataclass(kind)
    expected: Any = {tuple: list, Mapping: dict}.get(get_origin(kind), dict if has_fields else kind)
    if not isinstance(value, expected) or isinstance(value, bool) is not (expected is bool):
        raise BadInput(f"The catalog {where}: {name} is not a {expected.__name__}.", next_step=DAMAGED)
    if has_fields:
        return kind(**{key: _typed(field, value.get(key), key, where) for key, field in _fields(kind).items()})
    if expected is dict:
        return {key: _typed(get_args(kind)[1], item, key, where) for key, item in value.items()}
    return tuple(_typed(get_args(kind)[0], item, name, where) for item in value) if expected is list else value


# Evaluating annotations takes longer than reading a volume.
_fields = cache(get_type_hints)

# Format -> its reader: JSON, and the catalog's file for errors -> the checked catalog. Raises BadInput.
READERS: Mapping[int, Callable[[dict[str, Any], str], Catalog]] = {1: _read_v1, 2: _read_v2, 3: _read_v3}
