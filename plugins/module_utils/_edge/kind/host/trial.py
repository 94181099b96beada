# Copyright: kindlab.volumes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Settings tried before a cluster is created: feature gates by the kubelet, patches, and fields of kind by kind."""

from __future__ import annotations

import importlib
import re
from collections.abc import Iterator

from ansible_collections.kindlab.volumes.plugins.module_utils._core.errors import KindlabError
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kind.config import (
    config_text,
    kind_config,
    other_fields,
    other_fields_of,
)
from ansible_collections.kindlab.volumes.plugins.module_utils._core.kind.spec import ClusterSpec
from ansible_collections.kindlab.volumes.plugins.module_utils._core.refusals import Refusal
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.engine import Engine
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.kind.cli import Kind
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.kube.manifests import yaml_value

SECONDS = 60.0
# The kubelet checks its feature gates before it reads this file, at which it ends.
_NO_FILE = "/nonexistent"
_JSON_PATCHES = "kubeadmConfigPatchesJSON6902"
_UNKNOWN = re.compile(r"unrecognized feature gate: ([\w.-]+)")
_LOCKED = re.compile(r"cannot set feature gate ([\w.-]+) to (\w+), feature is locked to (\w+)")


def refusals(engine: Engine, spec: ClusterSpec, images: dict[str, str], kind: Kind) -> tuple[Refusal, ...]:
    """Why nodes would not start with these settings. images: why each cannot be used, '' for those that can."""
    usable = [image for image, why in images.items() if not why and engine.image_id(image)]
    gates = (refusal for image in usable for refusal in _gates(engine, image, spec)) if spec.feature_gates else ()
    return (*gates, *_patches(spec), *_fields(kind, spec))


def _gates(engine: Engine, image: str, spec: ClusterSpec) -> Iterator[Refusal]:
    text = ",".join(f"{name}={str(value).lower()}" for name, value in spec.feature_gates.items())
    argv = [engine.name, "run", "--rm", "--network", "none", "--entrypoint", "kubelet", image]
    try:
        done = engine.runner.run(
            [*argv, f"--feature-gates={text}", f"--config={_NO_FILE}"], check=False, timeout=SECONDS
        )
    except KindlabError:
        return
    said = f"{done.err} {done.out}"
    for name in dict.fromkeys(_UNKNOWN.findall(said)):
        why = f"the kubelet of {image} does not know it, and would not start"
        yield Refusal(f"feature gate {name}", why, f"Correct or remove {name} in feature_gates.")
    for name, value, locked in dict.fromkeys(_LOCKED.findall(said)):
        why = f"it cannot be {value}: it is locked to {locked} in the Kubernetes version of {image}"
        yield Refusal(f"feature gate {name}", why, f"Correct or remove {name} in feature_gates.")


def _patches(spec: ClusterSpec) -> Iterator[Refusal]:
    """Patches that are not valid YAML or TOML, at which kind fails once the nodes run."""
    texts = dict.fromkeys(spec.kubeadm_patches, "kubeadm_patches")
    texts |= {text: f"patches of {node.name}" for node in spec.nodes for text in node.patches}
    for text, option in texts.items():
        value, why = yaml_value(text)
        if why or not isinstance(value, dict) or not value.get("kind"):
            yield Refusal(option, f"it is not valid: {why or 'it has no kind'}: {text[:80]}", "Correct the patch.")
    for text in spec.containerd_patches:
        if why := _toml_fault(text):
            yield Refusal("containerd_patches", f"it is not valid TOML: {why}: {text[:80]}", "Correct the patch.")


def _fields(kind: Kind, spec: ClusterSpec) -> Iterator[Refusal]:
    """Fields that only kind knows, and JSON patches, which it reads once the nodes run."""
    config = kind_config(spec)
    given = [other_fields(config), *map(other_fields_of, config["nodes"])]
    if any(given) and (why := kind.unreadable(config_text(config))):
        yield Refusal("config", f"kind cannot read it: {why}", "Correct these fields in config, or in kind_fields.")
    for patch in (patch for fields in given for patch in fields.get(_JSON_PATCHES) or () if isinstance(patch, dict)):
        value, why = yaml_value(str(patch.get("patch") or ""))
        if why or not isinstance(value, list):
            text = f"its patch is not valid: {why or 'it is not a list'}: {str(patch.get('patch'))[:80]}"
            yield Refusal(_JSON_PATCHES, text, "Correct the patch.")


def _toml_fault(text: str) -> str:
    try:
        importlib.import_module("tomllib").loads(text)
    except ValueError as error:
        return str(error)
    except ImportError:  # Before Python 3.11 kind itself will tell.
        return ""
    return ""
