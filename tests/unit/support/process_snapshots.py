"""The output of a node's probe, for tests of other things: one process beside the probe, or none."""

from __future__ import annotations

from collections.abc import Sequence

from ansible_collections.kindlab.volumes.plugins.module_utils._edge.command import Completed
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.detach.node_processes import PROBE
from ansible_collections.kindlab.volumes.tests.unit.support.nodes import NodesHere

MOUNTS = "==> 7/mountinfo <==\n1 0 8:1 / / rw\n"


def printed(paths: Sequence[str], busy: str = "") -> str:
    """The probe's output for these paths. busy: the working directory of a process named vi, '' for no such process."""
    processes = {"7": ("sh", "/"), **({"42": ("vi", busy)} if busy else {})}
    links = {}
    for pid, (name, directory) in processes.items():
        links |= {f"{pid}/ns/mnt": "mnt:[1]", f"{pid}/root": "/", f"{pid}/exe": f"/bin/{name}", f"{pid}/cwd": directory}
    names = "".join(f"{pid}/comm:{name}\n" for pid, (name, _directory) in processes.items())
    pairs = [field for pair in links.items() for field in pair]
    return "\0".join(["7", *paths, "", MOUNTS, *pairs, "", names, "end", ""])


class QuietNodes(NodesHere):
    """Nodes whose inside is this host, and where nothing runs. busy: node -> the directory that a process is in."""

    def __init__(self) -> None:
        super().__init__([])
        self.busy: dict[str, str] = {}

    def run(self, argv: Sequence[str], *, stdin: str | None = None, **rest: object) -> Completed:  # type: ignore[override]
        if list(argv[4:]) == ["sh", "-c", PROBE]:
            return Completed(0, printed((stdin or "").split("\0")[:-1], self.busy.get(argv[3], "")))
        return super().run(argv, stdin=stdin, **rest)  # type: ignore[arg-type]
