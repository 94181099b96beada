"""Nodes with containerd in memory: images are looked at, read as tar archives, imported and tagged."""

from __future__ import annotations

import hashlib
import io
import json
import tarfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import IO, Any

from ansible_collections.kindlab.volumes.plugins.module_utils._core.errors import CommandFailed
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kind.nodes import Node
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.command import Completed, Runner
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.images.nodes import CTR
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.images.tee import Readable, Tee
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.loaded_images.look import LOOK

MANIFEST = "application/vnd.oci.image.manifest.v1+json"
INDEX = "application/vnd.oci.image.index.v1+json"
Blobs = dict[str, bytes]


def digest_of(content: bytes) -> str:
    return f"sha256:{hashlib.sha256(content).hexdigest()}"


def image(*layers: bytes, architecture: str = "amd64") -> tuple[str, Blobs]:
    """The digest of an image for one platform, and its blobs."""
    config = json.dumps({"architecture": architecture, "rootfs": {"diff_ids": [digest_of(x) for x in layers]}}).encode()
    parts = [{"digest": digest_of(part), "size": len(part)} for part in (config, *layers)]
    manifest = json.dumps({"mediaType": MANIFEST, "config": parts[0], "layers": parts[1:]}).encode()
    return digest_of(manifest), {digest_of(part): part for part in (manifest, config, *layers)}


def index(**platforms: str) -> tuple[str, Blobs]:
    """The digest of an index, and its blob. platforms: the digest of the manifest of each architecture."""
    entries = [{"digest": d, "platform": {"os": "linux", "architecture": arch}} for arch, d in platforms.items()]
    text = json.dumps({"mediaType": INDEX, "manifests": entries}).encode()
    return digest_of(text), {digest_of(text): text}


@dataclass
class Containerd:
    """The images of a node. own: the names that its node image brought; alive: whether it answers."""

    names: dict[str, str] = field(default_factory=dict)
    blobs: Blobs = field(default_factory=dict)
    own: set[str] = field(default_factory=set)
    own_digests: set[str] = field(default_factory=set)
    alive: bool = True

    def load(self, name: str, made: tuple[str, Blobs], *, own: bool = False) -> None:
        self.names[name] = made[0]
        self.blobs |= made[1]
        if own:
            self.own.add(name)
            self.own_digests.add(made[0])

    def listing(self) -> str:
        rows = [f"{name} {self._type(digest)} {digest} 1.0 MiB linux/amd64 -" for name, digest in self.names.items()]
        return "\n".join(["REF TYPE DIGEST SIZE PLATFORMS LABELS", *rows, ""])

    def _type(self, digest: str) -> str:
        return str(json.loads(self.blobs[digest])["mediaType"])

    def looked(self) -> str:
        def plain(digest: str) -> str:
            return digest.removeprefix("sha256:")

        documents = [part for d, c in self.blobs.items() if c[:1] == b"{" for part in (plain(d), c.decode())]
        sizes = "".join(f"{plain(digest)} {len(content)}\n" for digest, content in self.blobs.items())
        own = "\n".join(map(plain, self.own_digests))
        return "\0".join(["x86_64\n", self.listing(), sizes, own, "\n".join(self.own), *documents, "end"])

    def tar(self, names: Sequence[str]) -> bytes:
        buffer = io.BytesIO()
        with tarfile.open(fileobj=buffer, mode="w") as archive:
            for name in names:
                header, content = tarfile.TarInfo(name), self.blobs[f"sha256:{name}"]
                header.size = len(content)
                archive.addfile(header, io.BytesIO(content))
        return buffer.getvalue()

    def imported(self, data: bytes, *, everything: bool) -> None:
        """As containerd does: the content of all platforms must be there, or that of this one."""
        with tarfile.open(fileobj=io.BytesIO(data), mode="r|") as archive:
            files = {m.name: f.read() for m in archive if (f := archive.extractfile(m)) is not None}
        assert len(files) > 2 and json.loads(files["oci-layout"]) == {"imageLayoutVersion": "1.0.0"}
        sent = {f"sha256:{n.rpartition('/')[2]}": c for n, c in files.items() if n.startswith("blobs/sha256/")}
        assert all(digest_of(content) == digest for digest, content in sent.items())
        for entry in json.loads(files["index.json"])["manifests"]:
            assert entry["size"] == len(sent[entry["digest"]])
            self._check(entry["digest"], sent, everything=everything)
            self.names[entry["annotations"]["io.containerd.image.name"]] = entry["digest"]
        self.blobs |= sent

    def _check(self, digest: str, sent: Mapping[str, bytes], *, everything: bool) -> None:
        if digest not in sent:
            raise CommandFailed(f"ctr: content digest {digest}: not found")
        document = json.loads(sent[digest])
        for entry in document.get("manifests", ()):
            if everything or entry["platform"]["architecture"] == "amd64":
                self._check(entry["digest"], sent, everything=everything)
        for part in (*filter(None, [document.get("config")]), *document.get("layers", ())):
            if part["digest"] not in sent:
                raise CommandFailed(f"ctr: content digest {part['digest']}: not found")


class Machine(Runner):
    """The engine's commands for nodes with containerd. ran: the commands inside nodes."""

    def __init__(self, **nodes: Containerd) -> None:
        self.nodes = {name.replace("_", "-"): node for name, node in nodes.items()}
        self.ran: list[tuple[str, list[str]]] = []

    def run(self, argv: Sequence[str], **_rest: Any) -> Completed:
        engine, exec_, _interactive, name, *command = argv
        assert (engine, exec_) == ("docker", "exec")
        self.ran.append((name, command))
        node = self.nodes[name]
        if not node.alive:
            return Completed(1, "", "cannot connect")
        if command == ["sh", "-c", LOOK]:
            return Completed(0, node.looked())
        if command == [*CTR, "list"]:
            return Completed(0, node.listing())
        if command == ["containerd", "config", "dump"]:
            return Completed(0, "")
        assert command[:5] == [*CTR, "tag", "--force"]
        node.names[command[6]] = node.names[command[5]]
        return Completed(0, "")

    def of(self, *names: str) -> tuple[Node, ...]:
        """Nodes as the engine shows them."""
        return tuple(Node(n, "k", n.removeprefix("k-").rstrip("0123456789"), state="running") for n in names)


class Pipes(Tee):
    """The streams from and to those nodes. read, imported: how many there were; broken: imports that fail first."""

    def __init__(self, machine: Machine, broken: int = 0) -> None:
        super().__init__()
        self.machine = machine
        self.read: list[str] = []
        self.imported: list[tuple[list[str], int]] = []
        self.broken = broken

    @contextmanager
    def output_of(self, argv: Sequence[str]) -> Iterator[IO[bytes]]:
        _engine, _exec, _interactive, name, tar, create, _directory, *files = argv
        assert (tar, create) == ("tar", "--create")
        self.read.append(name)
        yield io.BytesIO(self.machine.nodes[name].tar(files))

    def copy_to(self, source: Readable, programs: Mapping[str, Sequence[str]]) -> None:
        data = b"".join(iter(lambda: source.read(1), b""))
        self.imported.append((sorted(programs), len(data)))
        if self.broken:
            self.broken -= 1
            raise CommandFailed("docker failed: containerd was restarted")
        for argv in programs.values():
            assert list(argv[4:8]) == [*CTR, "import"] and list(argv[9:]) == ["--snapshotter=overlayfs", "-"]
            assert argv[8] in ("--all-platforms", "--platform=linux/amd64")
            self.machine.nodes[argv[3]].imported(data, everything=argv[8] == "--all-platforms")
