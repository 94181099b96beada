"""Lists and texts that select: an empty one never selects everything."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.kindlab.volumes.plugins.module_utils._action import (
    kind_image,
    lab_map,
    local_data,
    node_drain,
    object_backup,
    object_restore,
    volume_adopt,
    volume_backup,
    volume_detach,
    volume_prune,
    volume_restore,
)
from ansible_collections.kindlab.volumes.plugins.module_utils._core.adopt import model as adopt
from ansible_collections.kindlab.volumes.plugins.module_utils._core.backup import request as backup
from ansible_collections.kindlab.volumes.plugins.module_utils._core.backup.objects import plan as objects
from ansible_collections.kindlab.volumes.plugins.module_utils._core.detach import model as detach
from ansible_collections.kindlab.volumes.plugins.module_utils._core.drain import model as drain
from ansible_collections.kindlab.volumes.plugins.module_utils._core.errors import BadInput
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kind import image_plan
from ansible_collections.kindlab.volumes.plugins.module_utils._core.local_data import request as local
from ansible_collections.kindlab.volumes.plugins.module_utils._core.map import request as drawn
from ansible_collections.kindlab.volumes.plugins.module_utils._core.objects.steps import asked
from ansible_collections.kindlab.volumes.plugins.module_utils._core.options import check_not_empty, defaults
from ansible_collections.kindlab.volumes.plugins.module_utils._core.prune import request as prune
from ansible_collections.kindlab.volumes.plugins.module_utils._core.restore import model as restore

# Request, arguments, further options, and the lists that select.
REQUESTS = [
    (adopt.Request, volume_adopt.ARGUMENTS, {}, ["directories", "matching"]),
    (backup.Request, volume_backup.ARGUMENTS, {"path": "/b"}, ["names", "namespaces", "storage_classes"]),
    (backup.Request, volume_backup.ARGUMENTS, {"path": "/b"}, ["label_selectors"]),
    (objects.Request, object_backup.ARGUMENTS, {"path": "/b"}, ["namespaces", "kinds", "label_selectors"]),
    (prune.Request, volume_prune.ARGUMENTS, {}, ["kinds", "names", "matching", "directories", "backups"]),
    (detach.Request, volume_detach.ARGUMENTS, {}, ["names", "namespaces", "storage_classes"]),
    (restore.Request, volume_restore.ARGUMENTS, {"path": "/b"}, ["names", "namespaces", "storage_classes"]),
    (asked.Asked, object_restore.ARGUMENTS, {"path": "/b"}, ["namespaces", "kinds", "label_selectors"]),
    (drain.Request, node_drain.ARGUMENTS, {"node": "n"}, ["pod_selectors"]),
    (image_plan.Request, kind_image.ARGUMENTS, {"images": ["a"], "cluster": "k"}, ["nodes"]),
    (drawn.Request, lab_map.ARGUMENTS, {}, ["clusters"]),
    (local.Request, local_data.ARGUMENTS, {"name": "a", "state": "absent"}, ["namespaces"]),
]


@pytest.mark.parametrize(
    ("request_type", "arguments", "more", "option"),
    [(kind, arguments, more, option) for kind, arguments, more, options in REQUESTS for option in options],
)
def test_an_empty_list_is_refused_and_none_is_not(
    request_type: Any, arguments: dict[str, Any], more: dict[str, Any], option: str
) -> None:
    options = {**defaults(arguments), **more}
    assert options[option] is None
    request_type.from_options(options)
    with pytest.raises(BadInput, match=f"{option} is empty: it would select everything"):
        request_type.from_options({**options, option: []})


def test_an_empty_text_is_refused_unless_it_means_something() -> None:
    with pytest.raises(BadInput, match="a has an empty element"):
        check_not_empty({"a": ["x", " "]}, "a")
    check_not_empty({"a": [""]}, "a", "b", blank=True)
