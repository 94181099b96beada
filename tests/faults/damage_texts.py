"""Malicious catalogs, manifests and checksum lists with matching sha256 digests."""

from __future__ import annotations

import hashlib
import json
import math
import os
from collections.abc import Iterator, Sequence
from typing import Any

from damage_files import content_of, drawn
from hypothesis import strategies as st
from victim import EITHER, Files, Victim, Way

from ansible_collections.kindlab.volumes.plugins.module_utils._core.backup.catalog import CATALOG
from ansible_collections.kindlab.volumes.plugins.module_utils._core.backup.manifests import MANIFESTS
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.kube import manifests as manifest_text

# The manifests that a restore reads.
READ = [MANIFESTS[kind] for kind in ("PersistentVolume", "PersistentVolumeClaim", "Namespace", "StorageClass")]
PV, CLAIMS = READ[:2]
OTHERS = st.sampled_from([None, True, 0, -1, 1.5, "x", "", [], ["x"], [None], {}, {"x": "y"}])
PATHS = ("../../evil", "a/../../../evil", "./evil", "a//evil", "evil/", "a\0b", "", ".", "..", "\ud800", CATALOG)
NAMES = ("../x", "..", "", "/x", "a/b", "v0\0", "v0\n", "-v", "v.", "V0", "ä", "\ud800", "x" * 254)
DIRECTORIES = ("data/v0", "/data/../v0", "/data//v0", "/data/v0/", "/data/\0", ".")
NEITHER = ("sha256", "format")
# Fields of manifests that no reader uses, only the API server.
UNREAD = ("apiVersion", "provisioner", "resources", "type", "volumeMode")
NO_YAML = ("a: {", "\t", "words", "7", "[1]", "!!python/name:os.system x", "!!timestamp x", "!!bool z", "2001-99-99")
NESTED = st.sampled_from([("[", "]"), ('{"a":', "}")])
BOMB = "".join(f"\n  a{n}: &a{n} [{f'*a{n - 1}, ' * 9 if n else ''}x]" for n in range(20))
IMPOSSIBLE = {"size": (-1, 2**80), "mode": ("-7", "8", "77777"), "mtime_ns": (2**99, -(2**99)), "uid": (-1, 2**80)}
NO_ENTRIES = ("7", "{", "[" * 100_000, "null", '{"path":"a"}', "\\", '"', "[]")


def ways() -> list[Way]:
    asked = ("full", "fast")
    shares = (
        ("catalog", "a path outside of the backup", 120, _path),
        ("catalog", "a name outside of the directory", 80, _name),
        ("catalog", "a file replaced by another type", 40, _no_file),
        ("catalog", "a volume twice", 20, _twice),
        ("catalog", "a negative or huge number", 60, _number),
        ("catalog", "another format", 10, _format),
        ("manifest", "no objects", 150, _no_objects),
        ("manifest", "a field missing or of another type", 500, _manifest_field),
    )
    return [
        # The cluster name of each node is informational.
        Way("catalog, digests match: a field missing or of another type", 500, _catalog_field, allowed=EITHER),
        Way("catalog, digests match: nested deeply", 60, _deep, allowed=EITHER),
        *(Way(f"{kind}, digests match: {what}", share, damage) for kind, what, share, damage in shares),
        Way("checksum list, digests match: an invalid line", 250, _line, asked),
        Way("checksum list, digests match: lines added, missing, or none", 60, _lines, asked),
    ]


def seal(files: Files) -> None:
    """Update all sha256 digests in the catalog, including its own."""
    found = _catalog(files)
    found["files"] = {path: hashlib.sha256(content_of(files, path)).hexdigest() for path in found["files"]}
    for archive in (volume["archive"] for volume in found["volumes"]):
        archive |= {"sha256": found["files"][archive["path"]], "bytes": len(content_of(files, archive["path"]))}
    _seal_catalog(files, found)


def _seal_catalog(files: Files, found: Any, nested: str = "") -> None:
    """Write this catalog with its own sha256. nested: JSON that replaces '@' in it."""
    found.pop("sha256", None)
    plain = json.dumps(found, sort_keys=True, separators=(",", ":")).replace('"@"', nested)
    files[CATALOG] = f'{plain[:-1]},"sha256":"{hashlib.sha256(plain.encode()).hexdigest()}"}}'.encode()


def _catalog(files: Files) -> Any:
    return json.loads(content_of(files, CATALOG))


def _objects(files: Files, path: str) -> Any:
    return manifest_text.from_text(content_of(files, path), path)


def _write_objects(files: Files, path: str, text: str) -> None:
    """text: JSON of the objects."""
    files[path] = "".join(f"---\n{json.dumps(item)}\n" for item in json.loads(text)).encode()


def _places(found: Any, left_out: Sequence[str] = ()) -> Iterator[tuple[Any, Any]]:
    """All values in it, each as container and key."""
    for key in found if isinstance(found, dict) else range(len(found)) if isinstance(found, list) else ():
        if key not in left_out:
            yield found, key
            yield from _places(found[key], left_out)


def _changed(data: st.DataObject, places: Iterator[tuple[Any, Any]], needed: Sequence[str]) -> str:
    """Give one of them a value of another type or, if it is mandatory, sometimes delete it."""
    above, key = data.draw(st.sampled_from(list(places)))
    if key in needed and data.draw(st.integers(0, 4)) == 0:
        del above[key]
        return f"without {key}"
    was = above[key]
    above[key] = data.draw(OTHERS.filter(lambda new: type(new) is not type(was)))
    return f"{key}: {above[key]!r} for {was!r:.60}"


def _path(data: st.DataObject, files: Files, victim: Victim) -> str:
    """The file exists at the new path, too, so that only the path is wrong."""
    found = _catalog(files)
    old = data.draw(st.sampled_from(sorted(found["files"])))
    new = data.draw(st.sampled_from([*PATHS, str(victim.outside / "evil")]))
    files[new] = files[new if new == CATALOG else old]
    _seal_catalog(files, json.loads(json.dumps(found).replace(json.dumps(old), json.dumps(new))))
    return f"{new!r} for {old}"


def _name(data: st.DataObject, files: Files, _victim: Victim) -> str:
    """The manifests contain the same name."""
    found = _catalog(files)
    field = data.draw(st.sampled_from(["name", "claim", "node_directory", "host_directory"]))
    old = data.draw(st.sampled_from(found["volumes"]))[field]
    new = data.draw(st.sampled_from(DIRECTORIES if "directory" in field else NAMES))
    text = json.dumps(found)
    if field == "claim":
        text, old = text.replace(json.dumps(old), json.dumps(f"ns/{new}")), old.removeprefix("ns/")
    for path in (PV, CLAIMS):
        _write_objects(files, path, json.dumps(_objects(files, path)).replace(json.dumps(old), json.dumps(new)))
    _seal_catalog(files, json.loads(text.replace(json.dumps(old), json.dumps(new))))
    seal(files)
    return f"{field}: {new!r}"


def _no_file(data: st.DataObject, files: Files, _victim: Victim) -> str:
    """Replaced by something that reads like an empty file."""
    path = data.draw(st.sampled_from(sorted(name for name in files if name != CATALOG)))
    files[path] = b""
    seal(files)
    files[path] = data.draw(st.sampled_from([os.mkfifo, os.mkdir, lambda path: path.symlink_to(os.devnull)]))
    return path


def _twice(data: st.DataObject, files: Files, _victim: Victim) -> str:
    found = _catalog(files)
    again = dict(data.draw(st.sampled_from(found["volumes"])))
    again["claim"] = data.draw(st.sampled_from([again["claim"], "", "ns/other"]))
    found["volumes"].insert(data.draw(st.integers(0, 2)), again)
    _seal_catalog(files, found)
    return f"{again['name']} for {again['claim']!r}"


def _catalog_field(data: st.DataObject, files: Files, _victim: Victim) -> str:
    found = _catalog(files)
    said = _changed(data, _places(found, NEITHER), [*found, *found["volumes"][0]])
    _seal_catalog(files, found)
    return said


def _number(data: st.DataObject, files: Files, _victim: Victim) -> str:
    found = _catalog(files)
    volume = data.draw(st.sampled_from(found["volumes"]))
    part, key = data.draw(st.sampled_from([(volume, "files"), (volume, "bytes"), (volume["archive"], "bytes")]))
    part[key] = data.draw(st.integers(-(2**70), -1) | st.integers(2**31, 2**70) | st.sampled_from([10**4000, math.inf]))
    _seal_catalog(files, found)
    return f"{key}: {part[key]!s:.40}"


def _deep(data: st.DataObject, files: Files, _victim: Victim) -> str:
    found = _catalog(files)
    above, key = data.draw(st.sampled_from(list(_places(found, NEITHER))))
    above[key] = "@"
    depth, (left, right) = data.draw(st.integers(2, 2000) | st.just(200_000)), data.draw(NESTED)
    _seal_catalog(files, found, left * depth + "1" + right * depth)
    return f"{key}: {depth} times {left}"


def _format(data: st.DataObject, files: Files, _victim: Victim) -> str:
    form: object = data.draw(st.sampled_from([0, -1, 3, 10**30, True, None, 1.0, "1", [1], {}]))
    _seal_catalog(files, {**_catalog(files), "format": form})
    return repr(form)


def _no_objects(data: st.DataObject, files: Files, _victim: Victim) -> str:
    path, other = data.draw(st.sampled_from([PV, CLAIMS])), data.draw(st.sampled_from(NO_YAML))
    depth, (left, right) = data.draw(st.sampled_from([200, 1000, 100_000])), data.draw(NESTED)
    text = content_of(files, path).decode()
    texts = {
        "not YAML": other,
        "not YAML at the end": f"{text}---\n{other}\n",
        "nested deeply": text.replace(": ns", f": {left * depth}1{right * depth}", 1),
        "nested by indentation": "- " * depth + "x",
        "recursive": text.replace("metadata:", "metadata: &m\n  again: *m", 1),
        "an alias bomb": text.replace("metadata:", f"metadata:{BOMB}", 1),
        "not text": text + "\0\ud800",
        "objects of another kind": content_of(files, CLAIMS if path == PV else PV).decode(),
    }
    what = data.draw(st.sampled_from(sorted(texts)))
    files[path] = texts[what].encode("utf-8", "surrogatepass")
    seal(files)
    return f"{path}: {what} ({other!r}, {depth} times {left!r})"


def _manifest_field(data: st.DataObject, files: Files, _victim: Victim) -> str:
    path = data.draw(st.sampled_from(READ))
    found = _objects(files, path)
    said = _changed(data, _places(found, UNREAD), ("metadata", "name", "spec"))
    _write_objects(files, path, json.dumps(found))
    seal(files)
    return f"{path}: {said}"


def _line(data: st.DataObject, files: Files, _victim: Victim) -> str:
    name, content = drawn(data, files, "checksums/")
    lines = content.decode().splitlines()
    number = data.draw(st.integers(0, len(lines) - 1))
    fields = json.loads(lines[number])
    said = how = data.draw(st.sampled_from(["another type", "impossible", "one more", "no entry"]))
    if how == "another type":
        said = _changed(data, _places(fields), ("path", "type"))
    elif how == "impossible":
        key = data.draw(st.sampled_from(sorted(IMPOSSIBLE)))
        fields[key] = data.draw(st.sampled_from(IMPOSSIBLE[key]))
    elif how == "one more":
        fields["more"] = 1
    lines[number] = data.draw(st.sampled_from(NO_ENTRIES)) if how == "no entry" else json.dumps(fields)
    files[name] = "\n".join(lines).encode()
    seal(files)
    return f"{name}, line {number}: {said}, {lines[number]:.90}"


def _lines(data: st.DataObject, files: Files, _victim: Victim) -> str:
    name, content = drawn(data, files, "checksums/")
    lines = content.decode().splitlines()
    line = data.draw(st.sampled_from(lines))
    more = json.dumps({**json.loads(line), "path": "more"})
    made = {"twice": [*lines, line], "without": [n for n in lines if n != line], "more": [*lines, more], "none": []}
    how = data.draw(st.sampled_from([*made, "no list"]))
    files[name] = "\n".join(made.get(how, lines)).encode()
    seal(files)
    if how == "no list":
        found = _catalog(files)
        data.draw(st.sampled_from(found["volumes"]))["checksum_list"] = ""
        _seal_catalog(files, found)
    return f"{name}: {how}, {line:.60}"
