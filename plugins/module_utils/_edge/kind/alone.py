# Copyright: kindlab.volumes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Keep other runs from changing a cluster while its volumes are copied or moved."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from typing import Any

from ansible_collections.kindlab.volumes.plugins.module_utils._core.clock import Deadline
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kind.spec import checked_name

from .kubeconfig import own_kubeconfig
from .marker import RECREATING, UNFINISHED, Marker


@contextmanager
def alone(options: Mapping[str, Any], *, check_mode: bool) -> Iterator[None]:
    """Lock the cluster; in check mode only find out whether that is possible. Raises BadInput, TimedOut."""
    cluster = checked_name(options["cluster"])
    kubeconfig = own_kubeconfig(cluster, options["kubeconfig"])
    deadline = Deadline(options["wait_timeout"])
    with ExitStack() as stack:
        # A recreation has the first one from its start to its end, and takes the second one in between.
        for marker in (Marker(kubeconfig, cluster, purpose) for purpose in (RECREATING, UNFINISHED)):
            if check_mode:
                marker.check()
            else:
                stack.enter_context(marker.locked(deadline))
        yield
