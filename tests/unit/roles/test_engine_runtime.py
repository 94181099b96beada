"""The runtime for fewer capabilities: takes out what the bounding set lacks, and nothing else."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from ansible_collections.kindlab.volumes.tests.unit.roles.files import ROLES, load, script

RUNTIME = ROLES / "engine/files/kindlab-runc"
NAMES = re.findall(r"[A-Z_]+", re.search(r"names='([^']+)'", RUNTIME.read_text()).group(1))
ALL = [f"CAP_{name}" for name in NAMES]
pytestmark = pytest.mark.skipif(shutil.which("sh") is None, reason="needs a shell")


def available() -> list[str]:
    status = Path("/proc/self/status").read_text()
    bounding = int(re.search(r"^CapBnd:\s*(\w+)", status, re.MULTILINE).group(1), 16)
    return [name for bit, name in enumerate(ALL) if bounding >> bit & 1]


def request(indent: int | None) -> tuple[dict[str, object], str]:
    content = {
        "process": {
            "args": ["echo", "CAP_SYS_RESOURCE", "CAP_SYS_RAWIO,"],
            "capabilities": {kind: list(ALL) for kind in ("bounding", "effective", "permitted")} | {"ambient": []},
        },
        "root": {"path": "rootfs"},
    }
    return content, json.dumps(content, indent=indent, separators=None if indent else (",", ":"))


@pytest.mark.parametrize("indent", [None, 2])
@pytest.mark.parametrize(
    "words",
    [
        ["--root", "/run/r", "create", "--bundle", "{}", "name"],
        ["create", "-b", "{}", "name"],
        ["run", "--bundle={}", "name"],
        ["exec", "--process", "{}/config.json", "--pid-file", "p", "name"],
        ["exec", "--process={}/config.json", "name"],
    ],
)
def test_asks_for_no_more_than_there_is(tmp_path: Path, words: list[str], indent: int | None) -> None:
    content, text = request(indent)
    (tmp_path / "config.json").write_text(text)
    script(tmp_path / "runc", f'echo "$@" > {tmp_path}/called')
    arguments = [word.format(tmp_path) for word in words]

    subprocess.run(["sh", RUNTIME, *arguments], check=True, env={"PATH": f"{tmp_path}:/usr/bin:/bin"})

    left = json.loads((tmp_path / "config.json").read_text())
    assert left["process"]["capabilities"] == {k: available() for k in ("bounding", "effective", "permitted")} | {
        "ambient": []
    }
    assert left["process"]["args"] == content["process"]["args"]
    assert (tmp_path / "called").read_text().split() == arguments


def test_other_commands_pass_untouched(tmp_path: Path) -> None:
    script(tmp_path / "runc", "exit 7")
    done = subprocess.run(["sh", RUNTIME, "state", "name"], check=False, env={"PATH": f"{tmp_path}:/usr/bin:/bin"})
    assert done.returncode == 7


def test_the_names_are_in_the_kernels_order() -> None:
    assert NAMES[:2] == ["CHOWN", "DAC_OVERRIDE"]
    assert NAMES.index("SYS_ADMIN") == 21
    assert NAMES.index("SYS_RESOURCE") == 24
    assert NAMES.index("CHECKPOINT_RESTORE") == 40


def test_a_missing_bit_is_reported_by_its_number(tmp_path: Path) -> None:
    probe = load("engine", "probe.py")
    known = int(Path("/proc/sys/kernel/cap_last_cap").read_text())
    status = tmp_path / "status"
    status.write_text(f"Name:\tdockerd\nCapBnd:\t{(1 << known + 1) - 1 & ~(1 << 24):016x}\n")
    assert probe.missing_capabilities(status) == [24]
