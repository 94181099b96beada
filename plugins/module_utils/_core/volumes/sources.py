# Copyright: kindlab.volumes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The source of a volume as text: what it is and where, e.g. 'nfs files.example:/exports/db'."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from ansible_collections.kindlab.volumes.plugins.module_utils._core.kube.objects import Object
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kube.volumes import source_of

# Source -> the fields that say where it is, and what joins them; of other sources all their texts and numbers.
_WHERE = {
    "nfs": (("server", "path"), ":"),
    "iscsi": (("targetPortal", "iqn", "lun"), " "),
    "csi": (("driver", "volumeHandle"), " "),
    "hostPath": (("path",), ""),
    "local": (("path",), ""),
    "glusterfs": (("endpoints", "path"), ":"),
    "cephfs": (("monitors", "path"), " "),
    "rbd": (("monitors", "pool", "image"), " "),
    "fc": (("targetWWNs", "wwids", "lun"), " "),
}


def source_text(pv: Mapping[str, Any]) -> str:
    """The source of a PersistentVolume, '' for none."""
    source = source_of(pv)
    fields = pv["spec"].get(source) if source else None
    if not isinstance(fields, Mapping):
        return source
    names, separator = _WHERE.get(source, (tuple(sorted(fields)), " "))
    return f"{source} {separator.join(_texts(dict(fields), names))}".rstrip()


def _texts(fields: Object, names: tuple[str, ...]) -> Iterator[str]:
    for name in names:
        value = fields.get(name)
        if isinstance(value, list):
            yield ",".join(map(str, value))
        elif isinstance(value, (str, int)) and not isinstance(value, bool) and value != "":
            yield str(value)
