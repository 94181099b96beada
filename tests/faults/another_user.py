"""Run volume_backup as a user who may use the engine but not root's files; prints what each run said as JSON."""

from __future__ import annotations

import json
import os
import sys
from typing import Any

from kubernetes.config import kube_config

from ansible_collections.kindlab.volumes.plugins.module_utils._action import volume_backup
from ansible_collections.kindlab.volumes.plugins.module_utils._core.errors import KindlabError
from ansible_collections.kindlab.volumes.plugins.module_utils._core.options import defaults

NOBODY = 65534


def said(options: dict[str, Any], *, check_mode: bool) -> str:
    """The class and text of the error, '' for none."""
    try:
        volume_backup.run({**defaults(volume_backup.ARGUMENTS), **options}, check_mode)
    except KindlabError as error:
        return f"{type(error).__name__}: {error.text()}"
    except BaseException as error:  # noqa: BLE001 - what it is becomes the row's result
        return f"not an error of the collection: {error!r}"
    return ""


def main() -> None:
    """Arguments: options as JSON, and the runs as a JSON list of [check_mode, mode of the kubeconfig]."""
    options, runs = (json.loads(word) for word in sys.argv[1:3])
    # Loads everything that the other user could not read.
    said(options, check_mode=True)
    for check_mode, mode in runs:
        os.chmod(options["kubeconfig"], int(mode, 8))
        reading, writing = os.pipe()
        if os.fork() == 0:
            os.setgroups([os.stat("/var/run/docker.sock").st_gid])
            os.setgid(NOBODY)
            os.setuid(NOBODY)
            # Keys and certificates that were written for root.
            kube_config._temp_files.clear()
            os.write(writing, said(options, check_mode=check_mode).encode()[:60000])
            os._exit(0)
        os.close(writing)
        with os.fdopen(reading, "rb") as pipe:
            print(json.dumps(pipe.read().decode()), flush=True)
        os.wait()


main()
