"""The script that looks at a node's images, run with a node's directories made up here."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

from ansible_collections.kindlab.volumes.plugins.module_utils._core.loaded_images.content import content_of, parse_look
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.loaded_images.look import LOOK
from ansible_collections.kindlab.volumes.tests.unit.support.containerd import Containerd, image

ROOT = "/var/lib/containerd"
BLOBS = "io.containerd.content.v1.content/blobs/sha256"
DATABASE = "io.containerd.metadata.v1.bolt/meta.db"
CTR = """#!/bin/sh
case "$*" in
  *--quiet) cut -d ' ' -f 1 {listing} | tail -n +2 ;;
  *) cat {listing} ;;
esac
"""


def program(path: Path, text: str) -> None:
    path.write_text(text)
    path.chmod(0o755)


def run(node: Containerd, top: Path, database: bytes) -> str:
    """What the script prints in a node whose image has that database."""
    for place in (top / "root", top / "mnt"):
        (place / BLOBS).mkdir(parents=True)
        (place / DATABASE).parent.mkdir(parents=True)
    for digest, content in node.blobs.items():
        for place in (top / "root", *([top / "mnt"] if digest in node.own_digests else [])):
            (place / BLOBS / digest.removeprefix("sha256:")).write_bytes(content)
    (top / "mnt" / DATABASE).write_bytes(database)
    (top / "listing").write_text(node.listing())
    programs = top / "bin"
    programs.mkdir()
    program(programs / "ctr", CTR.format(listing=top / "listing"))
    program(programs / "unshare", '#!/bin/sh\nshift\nexec "$@"\n')
    program(programs / "mount", "#!/bin/sh\n")
    script = LOOK.replace(f"/mnt{ROOT}", str(top / "mnt")).replace(ROOT, str(top / "root"))
    path = f"{programs}:{os.environ['PATH']}"
    done = subprocess.run(["sh", "-c", script], capture_output=True, check=True, env={"PATH": path})
    return done.stdout.decode("utf-8", "surrogateescape")


def test_everything_is_seen_in_one_look(tmp_path: Path) -> None:
    node = Containerd()
    binary = bytes(range(256)) * 9000
    node.load("registry.example/pause:3", image(b"own"), own=True)
    made = image(b"\0{not a document", binary, b"{text")
    node.load("registry.example/pause:30", made)
    node.load("registry.example/shop:1", made)
    found = parse_look(run(node, tmp_path, b"\0\xffregistry.example/pause:3\0\x10"), "k-worker")
    assert {name: target.digest for name, target in found.names.items()} == node.names
    assert [name for name in found.names if found.is_own(name)] == ["registry.example/pause:3"]
    assert found.blobs.sizes == {digest: len(content) for digest, content in node.blobs.items()}
    assert content_of(found.blobs, made[0]).missing == ()
    assert json.loads(node.blobs[made[0]]) == found.blobs.documents[made[0]]


def test_a_node_image_without_images(tmp_path: Path) -> None:
    node = Containerd()
    node.load("shop:1", image(b"shop"))
    found = parse_look(run(node, tmp_path, b""), "k-worker")
    assert not found.is_own("shop:1") and found.own_digests == frozenset()
