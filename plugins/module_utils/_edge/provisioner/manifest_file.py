# Copyright: kindlab.volumes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The file with a provisioner's manifests that kind applies when it creates a cluster."""

from __future__ import annotations

import os
import tempfile

from ansible_collections.kindlab.volumes.plugins.module_utils._core.errors import BadInput
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kube.objects import by_ref
from ansible_collections.kindlab.volumes.plugins.module_utils._core.provisioner.refusals import foreign_file
from ansible_collections.kindlab.volumes.plugins.module_utils._core.provisioner.state import State
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.kube.manifests import manifests_of, to_text


def read(path: str) -> State:
    """Its objects; {} if it is missing or blank. Raises Declined for a file that has no manifests, and BadInput."""
    try:
        with open(path, encoding="utf-8") as file:
            text = file.read()
    except FileNotFoundError:
        return {}
    except (OSError, UnicodeDecodeError) as error:
        raise BadInput(f"{path} cannot be read: {error}", next_step="Use another path, or remove this file.") from None
    state = by_ref(manifests_of(text))
    if text.strip() and not state:
        raise foreign_file(path)
    return state


def write(path: str, state: State) -> None:
    """Write the file by one rename, with mode 0644; missing parent directories are created. Raises BadInput."""
    text, directory = to_text(state.values()), os.path.dirname(path)
    try:
        os.makedirs(directory, exist_ok=True)
        handle, draft = tempfile.mkstemp(dir=directory, prefix=f".{os.path.basename(path)}.")
        try:
            with os.fdopen(handle, "w", encoding="utf-8") as file:
                file.write(text)
                os.fchmod(file.fileno(), 0o644)
            os.replace(draft, path)
        except BaseException:
            os.unlink(draft)
            raise
    except OSError as error:
        raise BadInput(
            f"{path} cannot be written: {error}", next_step="Use a path that this user can write to."
        ) from None
