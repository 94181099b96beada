# Copyright: kindlab.volumes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Types of a restore: the request, selected volume, observed backup and cluster, planned step."""

from __future__ import annotations

import posixpath
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, fields
from typing import Any, Optional

from ansible_collections.kindlab.volumes.plugins.module_utils._core.backup.catalog import NOTHING, Catalog, SavedVolume
from ansible_collections.kindlab.volumes.plugins.module_utils._core.backup.places import elsewhere, is_local_data
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kind.nodes import Node
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kube.binding import Binding, phase_of
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kube.objects import Object, namespaced_name
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kube.volumes import Volume
from ansible_collections.kindlab.volumes.plugins.module_utils._core.options import check_numbers
from ansible_collections.kindlab.volumes.plugins.module_utils._core.refusals import Refusal
from ansible_collections.kindlab.volumes.plugins.module_utils._core.volumes.places import Place
from ansible_collections.kindlab.volumes.plugins.module_utils._core.volumes.selection import Selection
from ansible_collections.kindlab.volumes.plugins.module_utils._core.volumes.set_aside import moving
from ansible_collections.kindlab.volumes.plugins.module_utils._core.volumes.ways import through_text

# Volume's name -> where its host directory is used in a node, None if it is not.
Ways = Mapping[str, Optional[Place]]
CREATE, REBIND, FINISH, REPLACE, UNCHANGED = "create", "rebind", "finish", "replace", "unchanged"
NOT_COMPARED = "not compared"
# The options that map names and sizes, apart from node_map; in the order of maps.Maps.
MAPS = ("namespace_map", "claim_map", "storage_class_map", "volume_map", "capacity_map", "access_mode_map")


@dataclass(frozen=True)
class Request:
    """The options of volume_restore. wait_timeout: seconds. at: the time in names of data that is set aside.

    name_maps: the options in MAPS that are given.
    """

    cluster: str
    selection: Selection = field(default_factory=Selection)
    claims: bool = True
    verify: str = "full"
    existing: str = "refuse"
    reclaim_policy: str = "keep"
    node_map: Mapping[str, str] = field(default_factory=dict)
    name_maps: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    create_namespaces: bool = True
    create_storage_classes: bool = True
    wait_timeout: float = 120
    at: str = ""

    @classmethod
    def from_options(cls, options: Mapping[str, Any]) -> Request:
        """From the module's options. Raises BadInput."""
        check_numbers(options)
        own = {option.name: options[option.name] for option in fields(cls) if option.name in options}
        given = {name: options[name] for name in MAPS if options.get(name)}
        maps = {"node_map": options["node_map"] or {}, "name_maps": given}
        return cls(**{**own, "selection": Selection.from_options(options), **maps})

    @property
    def replaces(self) -> bool:
        """True if data and claims that are in the way are replaced."""
        return self.existing == REPLACE


@dataclass(frozen=True)
class SelectedVolume:
    """A volume of the backup to restore.

    volume, pv: with the node names of this cluster. claim: as backed up, None if only the volume is restored.
    saved: its entry in the catalog. released: it comes back Released, for no claim.
    """

    volume: Volume
    pv: Object
    claim: Object | None
    saved: SavedVolume
    released: bool = False

    @property
    def elsewhere(self) -> str:
        """Where its data is if no backup has it, e.g. 'nfs files.example:/exports/db'; else ''."""
        return elsewhere(self.volume, self.pv)

    @property
    def is_unused(self) -> bool:
        """True for a volume that never had a claim or a directory: it needs none."""
        return self.saved.data == NOTHING

    def refuse(self, why: str, next_step: str) -> Refusal:
        """Why it cannot be restored."""
        return Refusal(self.volume.name, why, next_step, {"claim": self.volume.claim})


@dataclass(frozen=True)
class Generation:
    """One generation of the backup. manifests: the saved objects by kind."""

    name: str
    catalog: Catalog
    manifests: Mapping[str, Sequence[Object]]


@dataclass(frozen=True)
class Observed:
    """The backup's generation, and the cluster: its objects by name (claims by 'namespace/name') and node containers.

    node_names: of Kubernetes' own Nodes. mounted: directories of the host that a node of any cluster has mounted.
    """

    generation: Generation
    volumes: Mapping[str, Object]
    claims: Mapping[str, Object]
    namespaces: Mapping[str, Object]
    storage_classes: Mapping[str, Object]
    node_names: frozenset[str]
    nodes: tuple[Node, ...]
    mounted: frozenset[str] = frozenset()

    @classmethod
    def from_objects(
        cls,
        generation: Generation,
        objects: Mapping[str, Sequence[Object]],
        nodes: tuple[Node, ...],
        sharing: Sequence[Node] = (),
    ) -> Observed:
        """objects: those of the cluster, by kind. sharing: nodes of other clusters with the same host directories."""
        by_name = {kind: {item["metadata"]["name"]: item for item in items} for kind, items in objects.items()}
        return cls(
            generation,
            volumes=by_name["PersistentVolume"],
            claims={namespaced_name(item): item for item in objects["PersistentVolumeClaim"]},
            namespaces=by_name["Namespace"],
            storage_classes=by_name["StorageClass"],
            node_names=frozenset(by_name["Node"]),
            nodes=nodes,
            mounted=frozenset(_bind_mounts((*nodes, *sharing))),
        )


def _bind_mounts(nodes: Iterable[Node]) -> Iterator[str]:
    """The directories of the host that nodes have mounted."""
    for mount in (mount for node in nodes for mount in node.mounts):
        if mount.kind == "bind":
            yield posixpath.normpath(mount.host_path)


@dataclass(frozen=True)
class Step:
    """What happens to one volume. why: for people.

    host_directory: where its data is on the host, '' if it is not; node: the node that has it inside, else ''.
    pv, claim: the existing objects. compare: whether its data must be compared first. extract: whether its archive is
    extracted. extracted_with: the volume whose archive brings this directory, too. checksum: how its data compares
    with the backup; difference: how its current data differs. aside: where that is moved before, '' for nowhere;
    in_place: its directory stays the same one, because a node has mounted it. replaced: the existing claim that is
    deleted before; freed: the volume that this claim has now. keeps_policy: it does not get its original reclaim policy
    back, as its claim was deleted meanwhile. through: where a node has the host directory, if it is read and written
    there.
    """

    selected: SelectedVolume
    action: str
    why: str
    host_directory: str = ""
    node: str = ""
    pv: Object | None = None
    claim: Object | None = None
    compare: bool = False
    extract: bool = False
    extracted_with: str = ""
    checksum: str = NOT_COMPARED
    difference: str = ""
    aside: str = ""
    in_place: bool = False
    replaced: Object | None = None
    freed: Object | None = None
    keeps_policy: bool = False
    through: Place | None = None

    @classmethod
    def of_archive(cls, saved: SavedVolume, *, replaces: bool) -> Step:
        """The extraction of an archive, and nothing else, to the host directory that a volume was saved from.

        replaces: whether the current data is set aside.
        """
        selected = SelectedVolume(Volume(saved.name, saved.claim), {}, None, saved)
        directory = saved.host_directory
        aside = moving(directory) if replaces else ""
        return cls(selected, CREATE, "", host_directory=directory, extract=True, aside=aside, in_place=replaces)

    @property
    def name(self) -> str:
        """The volume's name."""
        return self.selected.volume.name

    @property
    def place(self) -> Place:
        """Where its data is read and written; the node is '' for the host."""
        return self.through or Place(self.node, self.selected.volume.node_directory, self.host_directory)

    @property
    def writes_to_host(self) -> bool:
        """True if pods will write to its host directory; data of the host itself may be shared."""
        return bool(self.host_directory) and not is_local_data(self.selected.pv)

    @property
    def writes_data(self) -> bool:
        """True if an archive is extracted to its directory."""
        return self.extract or bool(self.extracted_with)

    @property
    def binding(self) -> Binding:
        """What is written."""
        return Binding(self.selected.pv, self.selected.claim, self.pv, self.claim, self.selected.released)

    def policies(self, reclaim_policy: str) -> tuple[str, str]:
        """Its reclaim policy before ('' if it does not exist) and after. reclaim_policy: the option."""
        before = str(self.pv["spec"].get("persistentVolumeReclaimPolicy", "Retain")) if self.pv else ""
        # A released volume with policy Delete would be deleted at once.
        if reclaim_policy == "original" and not (self.selected.released or self.keeps_policy):
            return before, self.selected.saved.reclaim_policy
        return before, before if self.action == UNCHANGED else "Retain"

    def row(self, reclaim_policy: str, phases: Mapping[tuple[str, str], str]) -> Object:
        """The volume in the module's result. phases: (namespace, name) -> phase of volumes and claims at the end."""
        volume, saved = self.selected.volume, self.selected.saved
        namespace, _slash, name = volume.claim.partition("/")
        binding = self.binding
        expected = binding.phases[0], "Bound" if binding.binds else phase_of(self.claim)
        if self.action == UNCHANGED:
            expected = phase_of(self.pv), phase_of(self.claim)
        others = self.selected.released and not binding.binds
        return {
            "name": volume.name,
            "claim": volume.claim,
            "action": REPLACE if self.action == UNCHANGED and self.writes_data else self.action,
            "why": self.why,
            "nodes": list(volume.nodes),
            "node_directory": volume.node_directory,
            "node": self.node,
            "host_directory": self.host_directory,
            "phase": phases.get(("", volume.name), expected[0]),
            "claim_phase": "" if others else phases.get((namespace, name), expected[1]),
            "files": saved.files,
            "digest": saved.digest,
            "checksum": self.checksum,
            "set_aside": self.aside,
            "replaced_volume": self.freed["metadata"]["name"] if self.freed else "",
            "reclaim_policy": self.policies(reclaim_policy)[1],
        }


def through_nodes(steps: Iterable[Step]) -> str:
    """The line about those that are done in nodes."""
    return through_text({step.name: step.through for step in steps if step.through})
