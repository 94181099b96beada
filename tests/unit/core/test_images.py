"""Images in nodes: by name and by content."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.kindlab.volumes.plugins.module_utils._core.errors import BadInput
from ansible_collections.kindlab.volumes.plugins.module_utils._core.images import (
    Image,
    archive_images,
    engine_image,
    full_id,
    plain_name,
    platform_of,
    read_listing,
    read_snapshotter,
)

LISTING = """\
REF                            TYPE                                                 DIGEST       SIZE    PLATFORMS
registry.example/library/busybox:lab  application/manifest.v2+json sha256:m1    2.0 MiB linux/amd64
sha256:c1                      application/vnd.docker.distribution.manifest.v2+json sha256:m1    2.0 MiB linux/amd64
registry.example/library/old:1  application/manifest.v2+json sha256:m0    2.0 MiB linux/amd64
one.example/twice:1             application/manifest.v2+json sha256:m0    2.0 MiB linux/amd64
two.example/twice:1             application/manifest.v2+json sha256:m1    2.0 MiB linux/amd64
"""


@pytest.mark.parametrize(
    ("written", "plain"),
    [
        ("busybox", "busybox:latest"),
        ("busybox:lab", "busybox:lab"),
        ("rancher/x:v1", "rancher/x:v1"),
        ("localhost/x", "x:latest"),
        ("host:5000/x", "x:latest"),
        ("registry.example/a/b:1", "a/b:1"),
        ("busybox@sha256:1", "busybox@sha256:1"),
        ("registry.example/library/busybox:lab", "busybox:lab"),
    ],
)
def test_names_without_a_registry(written: str, plain: str) -> None:
    assert plain_name(written) == plain
    assert plain_name(plain) == plain


def test_ids_in_full() -> None:
    assert full_id("ab") == full_id("sha256:ab") == "sha256:ab"


@pytest.mark.parametrize(
    ("image", "there"),
    [
        (engine_image("busybox:lab", "sha256:c1"), True),
        (engine_image("busybox:lab", "c1"), True),
        (engine_image("busybox:lab", "sha256:m1"), True),
        (engine_image("busybox:lab", "sha256:c2"), False),
        (engine_image("old:1", "sha256:c1"), False),
        (engine_image("other:1", "sha256:c1"), False),
        (engine_image("busybox@sha256:x", "sha256:c1"), True),
        (engine_image("busybox@sha256:x", "sha256:c2"), False),
        (Image(("busybox:lab", "old:1"), "sha256:c1"), False),
        (engine_image("registry.example/library/busybox:lab", "sha256:c1"), True),
        (engine_image("other.example/library/busybox:lab", "sha256:c1"), False),
        (engine_image("twice:1", "sha256:m0"), True),
        (engine_image("twice:1", "sha256:m1"), True),
        (engine_image("one.example/twice:1", "sha256:m0"), True),
        (engine_image("two.example/twice:1", "sha256:m0"), False),
    ],
)
def test_presence(image: Image, there: bool) -> None:
    assert image.is_in(read_listing(LISTING)) == there


def test_an_empty_listing() -> None:
    assert read_listing("REF TYPE DIGEST SIZE\n") == {} == read_listing("")


@pytest.mark.parametrize(
    ("config", "snapshotter"),
    [
        ('[plugins."io.containerd.grpc.v1.cri".containerd]\n  snapshotter = "native"\n', "native"),
        ("[plugins.'io.containerd.cri.v1.images']\n  snapshotter = 'fuse-overlayfs'\n", "fuse-overlayfs"),
        ('[plugins."io.containerd.transfer.v1"]\n snapshotter = "x"\n', "overlayfs"),
        ("", "overlayfs"),
    ],
)
def test_snapshotter(config: str, snapshotter: str) -> None:
    assert read_snapshotter(config) == snapshotter


@pytest.mark.parametrize(
    ("manifest", "index", "images"),
    [
        (
            [{"Config": "ab.json", "RepoTags": ["x:1", "y:1"]}],
            None,
            [Image(("x:1", "y:1"), "sha256:ab")],
        ),
        ([{"Config": "blobs/sha256/ab", "RepoTags": None}], {"manifests": []}, [Image((), "sha256:ab")]),
        (
            None,
            {"manifests": [{"digest": "sha256:m", "annotations": {"io.containerd.image.name": "localhost/x:1"}}]},
            [Image(("localhost/x:1",), "sha256:m")],
        ),
        (None, {"manifests": [{"digest": "sha256:m"}]}, [Image((), "sha256:m")]),
        # A tag alone is no name by which a pod could find the image.
        (
            None,
            {"manifests": [{"digest": "sha256:m", "annotations": {"org.opencontainers.image.ref.name": "latest"}}]},
            [Image((), "sha256:m")],
        ),
        (
            None,
            {"manifests": [{"digest": "sha256:m", "annotations": {"org.opencontainers.image.ref.name": "x:1"}}]},
            [Image(("x:1",), "sha256:m")],
        ),
    ],
)
def test_archives(manifest: Any, index: Any, images: list[Image]) -> None:
    assert list(archive_images("a.tar", manifest, index, "nerdctl save")) == images


@pytest.mark.parametrize(("manifest", "index"), [(None, None), ([], {}), ([{}], None), ({"a": 1}, None), (None, [])])
def test_what_is_no_archive(manifest: Any, index: Any) -> None:
    with pytest.raises(BadInput, match="not an image archive") as raised:
        archive_images("a.tar", manifest, index, "nerdctl save")
    assert raised.value.next_step == "Create it: nerdctl save"


@pytest.mark.parametrize(
    ("machine", "platform"), [("x86_64\n", "linux/amd64"), ("aarch64", "linux/arm64"), ("s390x", "linux/s390x")]
)
def test_platforms(machine: str, platform: str) -> None:
    assert platform_of(machine) == platform
