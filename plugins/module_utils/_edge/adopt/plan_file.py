# Copyright: kindlab.volumes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Files with the plan of an adoption: one that people edit, and those beside the directories."""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import replace

from ansible_collections.kindlab.volumes.plugins.module_utils._core.adopt.rows import Row, read_rows
from ansible_collections.kindlab.volumes.plugins.module_utils._core.errors import BadInput
from ansible_collections.kindlab.volumes.plugins.module_utils._edge import text_file
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.kube.manifests import plain_text, yaml_value

# In a directory where provisioners create volumes.
BESIDE = "kindlab-volumes.yml"
_HEAD = """# Directories and the volumes that they become: correct this, remove rows, and set plan to this file.
# claim: NAMESPACE/NAME. nodes: those of the node affinity; without any, pods can use the volume on all nodes.
"""


def read(path: str) -> tuple[Row, ...]:
    """The rows of a plan. Raises BadInput if there is none, or it cannot be read."""
    if not os.path.isfile(path):
        raise BadInput(f"{path} does not exist, or is not a file.", next_step="Write it with write_plan.")
    content, why = yaml_value(text_file.read(path))
    if why:
        raise BadInput(f"{path} is not valid YAML: {why}", next_step=f"Correct {path}.")
    rows = read_rows(content, path, os.path.expanduser)
    for row in rows:
        if not os.path.isabs(row.directory):
            why = f"{path} names directory {row.directory}, which is not an absolute path."
            raise BadInput(why, next_step=f"Correct {path}.")
    return tuple(replace(row, directory=os.path.realpath(row.directory)) for row in rows)


def read_beside(directories: Iterable[str]) -> dict[str, Row]:
    """Directory -> its row in a file beside it, wherever the disk was when that was written. Raises BadInput."""
    found = {}
    for top in directories:
        path = os.path.join(top, BESIDE)
        if os.path.isfile(path):
            for row in read(path):
                own = os.path.join(top, os.path.basename(row.directory))
                found[own] = replace(row, directory=own)
    return found


def text(rows: Iterable[Row]) -> str:
    """A plan as a file."""
    return _HEAD + plain_text({"volumes": [row.as_dict() for row in rows]})


def write(path: str, content: str, *, check_mode: bool) -> bool:
    """Write a plan; False if it is there already. Raises BadInput, also for another one: it may have been edited."""
    if os.path.isfile(path):
        if text_file.read(path) == content:
            return False
        raise BadInput(
            f"write_plan names {path}, which exists and differs from what would be written.",
            tried=f"cat {path}",
            next_step=f"To carry it out, set plan to it. If nobody needs it: rm {path}",
        )
    if check_mode:
        text_file.check(path)
    else:
        text_file.write(path, content)
    return True
