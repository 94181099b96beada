# Copyright: kindlab.volumes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Replace the objects of volumes that are relocated, as recorded before; a rerun completes each step."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress

from ansible_collections.kindlab.volumes.plugins.module_utils._core.errors import Conflict
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kube.binding import Binding
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kube.objects import uid_of
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kube.volumes import read_volumes
from ansible_collections.kindlab.volumes.plugins.module_utils._core.scaling.reclaim import ATTACHED, retained
from ansible_collections.kindlab.volumes.plugins.module_utils._core.text import count
from ansible_collections.kindlab.volumes.plugins.module_utils._core.transfer.moves.relocation import (
    NAMESPACE,
    Relocation,
)
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.activity import REPORTER
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.kube import policies
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.kube.api import Missing
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.kube.binder import PV, PVC, prebind, wait_bound
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.kube.client import Cluster


class Objects:
    """Those of one run, on one cluster."""

    def __init__(self, cluster: Cluster, timeout: float) -> None:
        self._cluster = cluster
        self._timeout = timeout

    def record(self, relocations: Iterable[Relocation]) -> None:
        """Record them, before anything is changed."""
        self._cluster.each(self._cluster.create_missing, [one.record() for one in relocations])

    def forget(self, relocations: Iterable[Relocation]) -> None:
        """Remove the records: nothing is left to be done."""
        names = [one.record()["metadata"]["name"] for one in relocations]
        self._cluster.each(lambda name: self._cluster.delete("ConfigMap", name, NAMESPACE), names)

    def retain(self, claims: frozenset[str]) -> None:
        """Set the policy Retain on the volumes of these claims until their workloads are started."""
        volumes = read_volumes(*self._cluster.lists(PV, PVC))
        policies.write(self._cluster, retained(volumes, ATTACHED, claims))

    def replace(self, relocations: Iterable[Relocation]) -> None:
        """Replace the volumes, and claims where their class changes, bound to each other."""
        relocations = list(relocations)
        REPORTER.step(f"replace {count(len(relocations), 'volume')}")
        bindings = self._cluster.each(self._replace, relocations)
        wait_bound(self._cluster, bindings, self._timeout)

    def _replace(self, one: Relocation) -> Binding:
        pv = self._cluster.get(PV, one.name)
        if pv is not None and uid_of(pv) == one.uid:
            one = one.replacing_of(pv)
            record = one.record()
            self._cluster.patch("ConfigMap", record["metadata"]["name"], {"data": record["data"]}, NAMESPACE)
            self._delete_volume(one.name)
            pv = None
        elif not one.replacing:
            raise Conflict(
                f"PersistentVolume {one.name} was deleted meanwhile.",
                next_step=f"Restore it, or forget it: kubectl -n {NAMESPACE} delete configmap "
                + one.record()["metadata"]["name"],
            )
        namespace, _slash, name = one.claim.partition("/")
        claim = self._cluster.get(PVC, name, namespace)
        if claim is not None and one.recreated and uid_of(claim) == one.claim_uid:
            self._cluster.delete(PVC, name, namespace)
            self._cluster.wait_gone(PVC, [(namespace, name)], self._timeout)
            claim = None
        binding = one.binding(pv, claim)
        prebind(self._cluster, binding)
        return binding

    def _delete_volume(self, name: str) -> None:
        """Delete the object; it is protected as long as its claim is bound, and its policy is Retain."""
        self._cluster.delete(PV, name)
        with suppress(Missing):
            self._cluster.patch(PV, name, {"metadata": {"finalizers": None}})
        self._cluster.wait_gone(PV, [("", name)], self._timeout)
