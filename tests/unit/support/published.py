"""The manifests in ../shared/real, which nobody here wrote; a test that does not find them is skipped."""

from __future__ import annotations

import pytest
import yaml

from ansible_collections.kindlab.volumes.plugins.module_utils._core.kube.objects import Object
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.kube import manifests
from ansible_collections.kindlab.volumes.tests.unit.support.checkout import CHECKOUT

REAL = CHECKOUT.parent / "shared" / "real"
# Of the objects in these files, those that are in no namespace.
CLUSTER_SCOPED = (
    *("Namespace", "ClusterRole", "ClusterRoleBinding", "CustomResourceDefinition", "StorageClass", "IngressClass"),
    *("ValidatingWebhookConfiguration", "PersistentVolume"),
)


def published(namespaces: dict[str, str] | None = None) -> list[Object]:
    """All objects of all files. namespaces: file's name -> where its objects without a namespace are put."""
    if not REAL.is_dir():
        pytest.skip(f"there are no manifests in {REAL}")
    found = []
    for path in sorted(REAL.glob("*.yaml")):
        for item in filter(None, yaml.load_all(path.read_text(), Loader=manifests.LOADER)):
            if item["kind"] not in CLUSTER_SCOPED:
                item["metadata"].setdefault("namespace", (namespaces or {}).get(path.name, "default"))
            found.append(item)
    return found
