# Copyright: kindlab.volumes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Plan copies of volumes: a new volume and claim for each, where the provisioner of its class would create it."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Iterator
from itertools import count as numbers

from ansible_collections.kindlab.volumes.plugins.module_utils._core.adopt.manifests import (
    claim_manifest,
    volume_manifest,
)
from ansible_collections.kindlab.volumes.plugins.module_utils._core.adopt.rows import Row
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kube.binding import Binding
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kube.objects import Object, merged
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kube.volumes import (
    Volume,
    affinity_nodes,
    claim_of,
    node_directory,
)
from ansible_collections.kindlab.volumes.plugins.module_utils._core.names.map import collisions, expanded
from ansible_collections.kindlab.volumes.plugins.module_utils._core.refusals import Refusal

from .copies import Plan, Request, Source, Step
from .ends import Refused, data_of, place_of
from .observed import Observed
from .provisioned import created_at, provisioner_for
from .targets import OTHER, check_claim

# Annotation of a volume: what it is a copy of.
COPY_OF = "kindlab.volumes/copy-of"
_COPIES = uuid.UUID("0f6f6f3e-6a56-5c86-8a4f-0d3a7d1f2b90")


def plan(request: Request, observed: Observed, generation: str = "", saved: Iterable[Source] = ()) -> Plan:
    """generation: whose volumes, those in saved, are copied; '' for the cluster's. Raises BadInput for bad patterns."""
    living = (Source(volume) for volume in observed.volumes if volume.claim_phase == "Bound")
    by_claim = {source.volume.claim: source for source in (saved if generation else living)}
    names = expanded("claim_map", request.claim_map, by_claim)
    twice = {old for several in collisions(names, names).values() for old in several}
    steps, refusals = [], []
    for old, new in sorted(names.items()):
        try:
            if old in twice:
                raise Refused(f"claim {new} would be the copy of several claims", OTHER)
            if old not in by_claim:
                where = f"generation {generation}" if generation else f"cluster {request.cluster}"
                raise Refused(f"{where} has no volume with this claim", "List claims: kubectl get pvc --all-namespaces")
            steps.append(_step(by_claim[old], new, request, observed, generation))
        except Refused as refused:
            refusals.append(Refusal(old, refused.why, refused.next_step, {"copy": new}))
    missing = {step.row.claim.partition("/")[0] for step in steps} - observed.namespaces.keys()
    return Plan(request, tuple(steps), tuple(refusals), tuple(sorted(missing)))


def _step(source: Source, claim: str, request: Request, observed: Observed, generation: str) -> Step:
    volume = source.volume
    check_claim(claim, observed, create_namespaces=request.create_namespaces)
    if generation and not source.has_archive:
        raise Refused(
            f"generation {generation} has no archive of its data",
            "Use a generation that was made with data=archive, or copy it from the cluster (without path).",
        )
    origin = None if generation else data_of(volume, observed.nodes)
    mark = f"{generation}/{volume.name}" if generation else volume.name
    name = _name(mark, claim, observed)
    pv, existing = observed.pvs.get(name), observed.claims.get(claim)
    if existing is not None and (pv is None or existing["spec"].get("volumeName") != name):
        raise Refused(f"claim {claim} exists", f"{OTHER} Or delete it, if it is not needed.")
    storage_class = volume.storage_class if request.storage_class is None else request.storage_class
    if pv is not None:
        storage_class, nodes, directory = pv["spec"].get("storageClassName", ""), affinity_nodes(pv), node_directory(pv)
    else:
        nodes, directory = created_at(volume, storage_class, request.node, observed, (name, claim))
    target = place_of(Volume(name, nodes=nodes, node_directory=directory), observed.nodes)
    modes = volume.access_modes or ("ReadWriteOnce",)
    row = Row(target.host_directory, name, claim, storage_class, volume.capacity or "1Gi", modes, nodes)
    manifest = volume_manifest(row, directory, provisioner_for(storage_class, observed))
    marked = merged(manifest, {"metadata": {"annotations": {COPY_OF: mark}}})
    return Step(source, row, target, origin, Binding(marked, claim_manifest(row), pv, existing))


def _name(mark: str, claim: str, observed: Observed) -> str:
    """The volume of an earlier run, or a new one: named as provisioners do, and the same in check mode."""
    if begun := next(_begun(mark, claim, observed.pvs.values()), ""):
        return begun
    names = (f"pvc-{uuid.uuid5(_COPIES, f'{mark} {claim} {number}')}" for number in numbers())
    return next(name for name in names if name not in observed.pvs and name not in observed.taken)


def _begun(mark: str, claim: str, pvs: Iterable[Object]) -> Iterator[str]:
    """The volumes that an earlier run made for this claim, and that did not lose it since."""
    for pv in pvs:
        own = (pv["metadata"].get("annotations") or {}).get(COPY_OF) == mark and claim_of(pv) == claim
        if own and (pv.get("status") or {}).get("phase") not in ("Released", "Failed"):
            yield str(pv["metadata"]["name"])
