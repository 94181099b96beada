"""The images of a node: who made them, and what their content consists of."""

from __future__ import annotations

import pytest

from ansible_collections.kindlab.volumes.plugins.module_utils._core.errors import CommandFailed
from ansible_collections.kindlab.volumes.plugins.module_utils._core.loaded_images.content import (
    NodeImages,
    content_of,
    parse_document,
    parse_look,
)
from ansible_collections.kindlab.volumes.tests.unit.support.containerd import Containerd, image, index


def look(node: Containerd) -> NodeImages:
    return parse_look(node.looked(), "k-worker")


def test_what_is_own_pulled_and_loaded() -> None:
    node = Containerd()
    node.load("registry.example/pause:3", image(b"pause"), own=True)
    node.load("registry.example/library/import-2026-01-02@sha256:1", image(b"loaded"))
    pulled, loaded = image(b"pulled"), image(b"loaded")
    node.load("host:5000/shop", pulled)
    node.load("host:5000/shop:1", pulled)
    node.load(f"host:5000/shop@{pulled[0]}", pulled)
    node.load("other.example/shop:1", pulled)
    node.load("import:1", loaded)
    node.load(f"import-2026-01-02@{loaded[0]}", loaded)
    node.load(pulled[0], pulled)
    found = look(node)
    assert {name for name in found.names if found.is_own(name)} == {"registry.example/pause:3"}
    assert {name for name in found.names if found.is_pulled(name)} == {
        "host:5000/shop",
        "host:5000/shop:1",
        f"host:5000/shop@{pulled[0]}",
    }
    assert pulled[0] not in found.names


def test_other_content_under_an_own_name_is_not_own() -> None:
    node = Containerd()
    node.load("a:1", image(b"own"), own=True)
    node.load("b:1", image(b"own too"), own=True)
    node.names["a:1"], node.names["c:1"] = image(b"new")[0], node.names["b:1"]
    node.blobs |= image(b"new")[1]
    found = look(node)
    assert [name for name in found.names if found.is_own(name)] == ["b:1"]


def test_content_is_manifest_configuration_and_layers() -> None:
    node, made = Containerd(), image(b"one", b"two", b"two")
    node.load("a:1", made)
    node.load("b:1", image(b"other"))
    found = content_of(look(node).blobs, made[0])
    assert found.blobs == {digest: len(content) for digest, content in made[1].items()}
    assert (found.missing, found.partial, found.bytes) == ((), False, sum(map(len, made[1].values())))


@pytest.mark.parametrize("lost", [0, 1, 2])
def test_a_blob_that_is_missing(lost: int) -> None:
    node, made = Containerd(), image(b"layer")
    node.load("a:1", made)
    listing = look(node)
    digest = [*made[1]][lost]
    sizes = {name: size for name, size in listing.blobs.sizes.items() if name != digest}
    documents = {name: content for name, content in listing.blobs.documents.items() if name != digest}
    blobs = type(listing.blobs)(listing.blobs.platform, sizes, documents)
    assert content_of(blobs, made[0]).missing == (digest,)


AMD, ARM = image(b"amd"), image(b"arm", architecture="arm64")
BOTH = index(amd64=AMD[0], arm64=ARM[0])
ONLY_ARM = index(arm64=ARM[0])


@pytest.mark.parametrize(
    ("top", "parts", "usable", "partial"),
    [
        (BOTH, (AMD, ARM), True, False),
        (BOTH, (AMD,), True, True),
        (BOTH, (ARM,), False, True),
        (BOTH, (), False, True),
        (ONLY_ARM, (ARM,), True, False),
        (ONLY_ARM, (), False, True),
    ],
)
def test_an_image_for_several_platforms(
    top: tuple[str, dict[str, bytes]], parts: tuple[tuple[str, dict[str, bytes]], ...], usable: bool, partial: bool
) -> None:
    node = Containerd()
    node.load("a:1", (top[0], {**top[1], **{d: c for part in parts for d, c in part[1].items()}}))
    found = content_of(look(node).blobs, top[0])
    assert (not found.missing, found.partial) == (usable, partial)
    assert set(found.blobs) == set(node.blobs)


def test_a_manifest_without_its_layer_does_not_count() -> None:
    node, half = Containerd(), dict(ARM[1])
    half.pop(list(half)[2])
    node.load("a:1", (BOTH[0], {**BOTH[1], **AMD[1], **half}))
    found = content_of(look(node).blobs, BOTH[0])
    assert set(found.blobs) == {BOTH[0], *AMD[1]} and found.partial and not found.missing


def test_a_document_that_is_not_what_its_name_says_is_none() -> None:
    node, made = Containerd(), image(b"layer")
    node.load("a:1", made)
    text = node.looked().replace('"layers"', '"leyers"')
    assert content_of(parse_look(text, "k-worker").blobs, made[0]).missing == (made[0],)


@pytest.mark.parametrize(
    "document",
    ["{", "[]", "{}", '{"layers": 1}', '{"manifests": [{}]}', '{"config": "x"}', '{"manifests": [{"digest": 1}]}'],
)
def test_what_is_no_manifest(document: str) -> None:
    assert parse_document(document.encode()) is None


def test_blobs_that_contain_separators_do_not_shift_what_follows() -> None:
    node, made = Containerd(), image(b"layer")
    node.load("a:1", made)
    parts = node.looked().split("\0")
    text = "\0".join([*parts[:5], "a" * 64, "{", "rest", "b", *parts[5:]])
    assert made[0] in parse_look(text, "k-worker").blobs.documents


@pytest.mark.parametrize("text", ["", "x86_64\0", "x86_64\0a\0b\0c\0d\0e"])
def test_a_listing_that_is_not_whole(text: str) -> None:
    with pytest.raises(CommandFailed, match="k-worker does not list its images"):
        parse_look(text, "k-worker")
