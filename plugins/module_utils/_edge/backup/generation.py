# Copyright: kindlab.volumes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Write a generation: archives, manifests, checksum lists, and the catalog."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from ansible_collections.kindlab.volumes.plugins.module_utils._core.backup.catalog import Catalog
from ansible_collections.kindlab.volumes.plugins.module_utils._core.backup.draft import draft
from ansible_collections.kindlab.volumes.plugins.module_utils._core.backup.manifests import MANIFESTS
from ansible_collections.kindlab.volumes.plugins.module_utils._core.backup.plan import Plan
from ansible_collections.kindlab.volumes.plugins.module_utils._core.clock import Stopwatch
from ansible_collections.kindlab.volumes.plugins.module_utils._core.data.checksum_list import ChecksumList
from ansible_collections.kindlab.volumes.plugins.module_utils._core.objects.stored.files import to_texts
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.data.node_directory import Source
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.kube import manifests as manifest_text
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.loaded_images.store import check_present

from . import data
from .writer import Writer

# Of a checksum list, about.
LINE_BYTES = 200


def texts(plan: Plan) -> dict[str, str]:
    """Path in the generation -> text, of manifests and objects."""
    manifests = {MANIFESTS[kind]: manifest_text.to_text(items) for kind, items in plan.manifests.items() if items}
    return manifests | (to_texts(plan.objects.saved) if plan.objects else {})


def write_generation(
    plan: Plan,
    catalog: Catalog,
    sources: Mapping[str, Source],
    lists: Mapping[str, ChecksumList],
    manifests: Mapping[str, str],
    watch: Stopwatch,
) -> tuple[Catalog, str]:
    """Write a generation; its complete catalog and its name."""
    request = plan.request
    check_present(request.path, (image["archive"] for image in request.loaded_images))
    with Writer(request.path, needed_bytes(manifests, lists, archives=request.archives)) as writer:
        if request.archives:
            written = data.write_archives(writer, sources, lists, request)
            lists = {name: archived.listed for name, archived in written.items()}
            catalog = with_archives(draft(plan, lists, manifests, catalog.created), written)
            watch.lap("archive")
        write_files(writer, manifests, lists, catalog)
        catalog = replace(catalog, files=dict(writer.files))
        name = writer.publish(catalog)
        watch.lap("write")
    return catalog, name


def with_archives(catalog: Catalog, written: Mapping[str, data.Archived]) -> Catalog:
    """The catalog with the archives that were written."""
    volumes = (replace(v, archive=written[v.name].archive) if v.name in written else v for v in catalog.volumes)
    return replace(catalog, volumes=tuple(volumes))


def write_files(
    writer: Writer, manifests: Mapping[str, str], lists: Mapping[str, ChecksumList], catalog: Catalog
) -> None:
    """Write the manifests (text by path) and the checksum lists of the catalog."""
    for path, text in manifests.items():
        writer.write(path, text)
    for volume in catalog.volumes:
        if volume.checksum_list:
            writer.write(volume.checksum_list, lists[volume.name].lines())


def needed_bytes(manifests: Mapping[str, str], lists: Mapping[str, ChecksumList], *, archives: bool) -> int:
    """The approximate size of a generation, at most."""
    small = sum(map(len, manifests.values())) + LINE_BYTES * sum(len(item.entries) for item in lists.values())
    return small + (sum(item.bytes for item in lists.values()) if archives else 0)
