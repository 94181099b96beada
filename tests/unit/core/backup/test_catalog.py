"""The catalog: text and back, what is refused, and that no changed byte goes unnoticed."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.kindlab.volumes.plugins.module_utils._core.backup.catalog import (
    COLLECTION,
    FORMAT,
    Catalog,
    SavedArchive,
    SavedCluster,
    SavedLeftOut,
    SavedMount,
    SavedNode,
    SavedObjects,
    SavedSelection,
    SavedVolume,
    file_stem,
    generation_name,
    generation_number,
    same_content,
    to_text,
)
from ansible_collections.kindlab.volumes.plugins.module_utils._core.backup.catalog_reader import (
    LARGEST,
    NewerFormat,
    is_inside,
    read_catalog,
)
from ansible_collections.kindlab.volumes.plugins.module_utils._core.errors import BadInput

SHA = "ab" * 32
ROOT = Path(__file__).resolve().parents[4]

names = st.from_regex(r"[a-z0-9]([a-z0-9.-]{0,20}[a-z0-9])?", fullmatch=True)
words = st.text(st.characters(exclude_categories=("Cs",)), max_size=12)
directories = names.map(lambda name: f"/srv/{name}") | st.just("")
sizes = st.integers(0, LARGEST - 1)
hashes = st.binary(min_size=32, max_size=32).map(bytes.hex)
mounts = st.builds(SavedMount, words, words, st.sampled_from(["bind", "volume", "tmpfs"]), st.booleans(), words)


@st.composite
def volumes(draw: st.DrawFn, name: str) -> tuple[SavedVolume, dict[str, str]]:
    archive = draw(
        st.none() | st.builds(SavedArchive, st.just(f"archives/{name}.tar.gz"), hashes, sizes, st.just("gzip"))
    )
    listed = draw(st.sampled_from(["", f"checksums/{name}.jsonl"]))
    files = {f"checksums/{name}.jsonl": draw(hashes), **({archive.path: archive.sha256} if archive else {})}
    volume = SavedVolume(
        name,
        claim=draw(st.just("") | st.tuples(names, names).map("/".join)),
        phase=draw(words),
        data=draw(st.sampled_from(["host", "elsewhere", "none"] + (["node"] if listed and archive else []))),
        source=draw(words),
        consistent=draw(st.booleans()),
        storage_class=draw(words),
        capacity=draw(words),
        access_modes=tuple(draw(st.lists(words, max_size=2))),
        nodes=tuple(draw(st.lists(names, max_size=2))),
        node_directory=draw(directories),
        host_directory=draw(directories),
        files=draw(sizes),
        bytes=draw(sizes),
        digest=draw(hashes),
        checksum_list=listed,
        archive=archive,
    )
    return volume, files


@st.composite
def objects(draw: st.DrawFn) -> tuple[SavedObjects | None, dict[str, str]]:
    texts = st.lists(words, max_size=2).map(tuple)
    made, changed = draw(st.integers(0, 9)), draw(st.integers(0, 9))
    saved = SavedObjects(
        made,
        changed,
        draw(st.booleans()),
        tuple(draw(st.lists(st.builds(SavedLeftOut, words, words, words, words, words), max_size=2))),
        draw(st.builds(SavedSelection, texts, texts, words)),
    )
    files = {"objects/_cluster/Namespace.json": draw(hashes)} if made or changed else {}
    return (saved, files) if draw(st.booleans()) else (None, {})


@st.composite
def catalogs(draw: st.DrawFn) -> Catalog:
    found = [draw(volumes(name)) for name in draw(st.lists(names, max_size=3, unique=True))]
    whole = all(volume.archive and volume.checksum_list for volume, _files in found)
    cluster = draw(names)
    nodes = tuple(
        SavedNode(name, cluster, "worker", tuple(draw(st.lists(mounts, max_size=2))))
        for name in draw(st.lists(names, max_size=2))
    )
    saved, described = draw(objects())
    return Catalog(
        created="2026-11-23T06:57:00Z",
        cluster=SavedCluster(cluster, draw(words), nodes),
        data=draw(st.sampled_from(["in_place", "archive"] if whole else ["in_place"])),
        checksums=draw(st.sampled_from(["full", "fast", "none"])),
        volumes=tuple(volume for volume, _files in found),
        files={path: digest for _volume, files in found for path, digest in files.items()} | described,
        objects=saved,
    )


SMALL = Catalog(
    created="2026-11-23T06:57:00Z",
    cluster=SavedCluster(
        "lab", "v1.34.4", (SavedNode("lab-worker", "lab", "worker", (SavedMount("/a", "/b", "bind", False, ""),)),)
    ),
    volumes=(
        SavedVolume(
            "pvc-1",
            "default/data",
            host_directory="/srv/pvc-1",
            digest=SHA,
            archive=SavedArchive("archives/pvc-1.tar.gz", SHA, 7, "gzip"),
        ),
    ),
    files={"manifests/persistentvolumes.yaml": SHA, "archives/pvc-1.tar.gz": SHA},
)


@given(catalogs())
def test_comes_back_as_it_was(catalog: Catalog) -> None:
    assert read_catalog(to_text(catalog), "catalog.json") == catalog


@given(st.data())
def test_no_changed_byte_goes_unnoticed(data: st.DataObject) -> None:
    text = bytearray(to_text(SMALL).encode())
    place = data.draw(st.integers(0, len(text) - 1))
    text[place] ^= data.draw(st.integers(1, 255))
    try:
        assert read_catalog(bytes(text), "catalog.json") == SMALL
    except BadInput as error:
        assert "catalog.json" in error.text()


@given(st.integers(0, len(to_text(SMALL)) - 3))
def test_a_truncated_catalog_is_refused(length: int) -> None:
    with pytest.raises(BadInput, match=r"catalog\.json"):
        read_catalog(to_text(SMALL)[:length], "catalog.json")


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(), lambda c: st.lists(c) | st.dictionaries(st.text(), c)
    )
)
def test_any_other_json_is_refused(anything: object) -> None:
    with pytest.raises(BadInput):
        read_catalog(json.dumps(anything), "catalog.json")


def test_a_newer_format_names_the_version_that_knows_it() -> None:
    data = {**json.loads(to_text(SMALL)), "format": FORMAT + 1, "collection": "9.9.9"}
    with pytest.raises(NewerFormat, match=rf"has format {FORMAT + 1}; ") as caught:
        read_catalog(json.dumps(data), "catalog.json")
    assert "9.9.9" in caught.value.next_step


VOLUME = SMALL.volumes[0]


@pytest.mark.parametrize(
    "changed",
    [
        replace(SMALL, files={"../outside": SHA}),
        replace(SMALL, files={"/etc/passwd": SHA}),
        replace(SMALL, files={"manifests/../../x": SHA}),
        replace(SMALL, files={"manifests//x": SHA}),
        replace(SMALL, files={"": SHA}),
        replace(SMALL, files={"catalog.json": SHA}),
        replace(SMALL, files={"a\0b": SHA}),
        replace(SMALL, files={"manifests/\ud800": SHA}),
        replace(SMALL, files={**SMALL.files, "x": "no digest"}),
        replace(SMALL, files={}),
        replace(SMALL, data="elsewhere"),
        replace(SMALL, data="archive"),
        replace(SMALL, data="archive", volumes=(replace(VOLUME, archive=None),)),
        replace(SMALL, checksums="some"),
        replace(SMALL, volumes=(VOLUME, VOLUME)),
        replace(SMALL, volumes=(replace(VOLUME, name="a/b"),)),
        replace(SMALL, volumes=(replace(VOLUME, name="../x"),)),
        replace(SMALL, volumes=(replace(VOLUME, name=""),)),
        replace(SMALL, volumes=(replace(VOLUME, claim="only-a-name"),)),
        replace(SMALL, volumes=(replace(VOLUME, claim="a/b/c"),)),
        replace(SMALL, volumes=(replace(VOLUME, claim="../b"),)),
        replace(SMALL, volumes=(replace(VOLUME, host_directory="srv/x"),)),
        replace(SMALL, volumes=(replace(VOLUME, host_directory="/srv/../etc"),)),
        replace(SMALL, volumes=(replace(VOLUME, checksum_list="checksums/other.jsonl"),)),
        replace(SMALL, volumes=(replace(VOLUME, archive=SavedArchive("archives/other", SHA, 7, "gzip")),)),
        replace(SMALL, volumes=(replace(VOLUME, archive=replace(VOLUME.archive, compression="rot13")),)),
        replace(SMALL, volumes=(replace(VOLUME, files=-1),)),
    ],
    ids=str,
)
def test_what_does_not_fit_or_leads_out_is_refused(changed: Catalog) -> None:
    with pytest.raises(BadInput, match=r"The catalog catalog\.json"):
        read_catalog(to_text(changed), "catalog.json")


@given(st.text(alphabet="./a\0", max_size=12))
def test_an_inside_path_stays_inside(path: str) -> None:
    if is_inside(path):
        assert (Path("/top") / path).resolve().is_relative_to("/top")
        assert path == str(Path(path))


def test_same_content_ignores_times_and_what_only_writing_tells() -> None:
    later = replace(SMALL, created="2027-01-01T00:00:00Z", collection="9")
    rewritten = replace(VOLUME, archive=SavedArchive("archives/pvc-1.tar.gz", "cd" * 32, 9, "gzip"))
    assert same_content(SMALL, replace(later, volumes=(rewritten,)))


@pytest.mark.parametrize(
    "other",
    [
        replace(SMALL, checksums="fast"),
        replace(SMALL, files={**SMALL.files, "manifests/persistentvolumes.yaml": "cd" * 32}),
        replace(SMALL, volumes=(replace(VOLUME, digest="cd" * 32),)),
        replace(SMALL, volumes=(replace(VOLUME, archive=replace(VOLUME.archive, compression="zstd")),)),
        replace(SMALL, volumes=(replace(VOLUME, archive=None),)),
    ],
    ids=str,
)
def test_same_content_sees_what_matters(other: Catalog) -> None:
    assert not same_content(SMALL, other)


@given(st.integers(1, 10**9))
def test_generations_are_ordered_by_number(number: int) -> None:
    name = generation_name(number, "2026-11-23T06:57:00Z")
    assert generation_number(name) == number
    assert name.endswith("-20261123T065700Z")


@pytest.mark.parametrize(
    "name", ["", "x", "000001", ".incomplete-000001-20261123T065700Z", "000001-20261123T065700Z.old"]
)
def test_other_names_are_no_generations(name: str) -> None:
    assert generation_number(name) is None


@given(st.lists(st.text(alphabet="ab", min_size=180, max_size=253), unique=True, max_size=5))
def test_file_stems_fit_a_file_system_and_stay_apart(found: list[str]) -> None:
    stems = {file_stem(name) for name in found}
    assert len(stems) == len(found)
    assert all(len(f"{stem}.tar.zst") <= 255 for stem in stems)


def test_the_catalog_tells_the_collections_version() -> None:
    built = ROOT / "MANIFEST.json"
    if built.exists():
        assert json.loads(built.read_text())["collection_info"]["version"] == COLLECTION
    else:
        assert f"\nversion: {COLLECTION}\n" in (ROOT / "galaxy.yml").read_text()
