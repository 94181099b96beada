# Copyright: kindlab.volumes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What an API server's refusal means: another address, port or IP family will do, it may pass later, or it is final."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from ansible_collections.kindlab.volumes.plugins.module_utils._core.kube.objects import Object
from ansible_collections.kindlab.volumes.plugins.module_utils._core.text import be

from .step import Step

# Texts of refusals that may pass: a webhook or converter whose pods are starting, a busy server, a quota that others
# write to, a ServiceAccount that its controller has not made yet.
_PASSING = (
    "failed calling webhook",
    "conversion webhook for",
    "(429)",
    "(503)",
    "(504)",
    "could not find the requested resource",
    "page not found",
    "error looking up service account",
    "object is being deleted",
    "not yet ready to handle request",
    "please apply your changes to the latest version",
)
# Of a refusal that is told.
_LONGEST = 400
_ADDRESS = ("failed to allocate IP", "provided IP", "valid IPs", "clusterIP")
_PORT = ("provided port is already allocated", "valid ports")
_FAMILY = "not configured on this cluster"


def is_passing(message: str) -> bool:
    """True for a refusal that may pass by itself."""
    return any(text in message for text in _PASSING)


def why(message: str) -> str:
    """A refusal in one line, without what only says that it is one, or lists both objects."""
    text = re.sub(r"^The API server refused \(\d+\): ", "", message).partition(" @@ ")[0].partition("\n@@ ")[0]
    line = " ".join(text.split())
    return line if len(line) <= _LONGEST else f"{line[:_LONGEST]}..."


def without_refused(step: Step, message: str) -> Step | None:
    """A Service's step without what was refused of it: the server finds other values. None if that is not all.

    These are its address, its node ports, and the families of its addresses where it does not require them.
    """
    if step.key[:2] != ("", "Service") or "spec" not in step.item:
        return None
    spec = step.item["spec"]
    if spec.get("ipFamilies") and "ipFamilies" in message and _FAMILY in message:
        told = f"the cluster does not have all of its IP families {', '.join(spec['ipFamilies'])}"
        item, saved = (_without(one, "ipFamilies", "clusterIP", "clusterIPs") for one in (step.item, step.saved))
        return replace(step, item=item, saved=saved, adapted=(*step.adapted, told))
    if spec.get("clusterIP") not in (None, "", "None") and any(text in message for text in _ADDRESS):
        return replace(step, item=_without(step.item, "clusterIP", "clusterIPs"))
    taken = {port for port in _ports(spec) if re.search(rf"\b{port}\b", message)}
    if not taken or not any(text in message for text in _PORT):
        return None
    numbers = ", ".join(map(str, sorted(taken)))
    told = f"its node port{'s' if len(taken) > 1 else ''} {numbers} {be(len(taken))} not free, and replaced"
    item, saved = (_without_ports(one, taken) for one in (step.item, step.saved))
    return replace(step, item=item, saved=saved, adapted=(*step.adapted, told))


def _without(service: Object, *fields: str) -> Object:
    """Without fields of its spec. A Service without an address of its own stays one."""
    spec = {k: v for k, v in service["spec"].items() if k not in fields or v in ("None", ["None"])}
    return {**service, "spec": spec}


def _without_ports(service: Object, ports: set[int]) -> Object:
    spec = {k: v for k, v in service["spec"].items() if k != "healthCheckNodePort" or v not in ports}
    listed = [{k: v for k, v in port.items() if k != "nodePort" or v not in ports} for port in spec.get("ports") or ()]
    return {**service, "spec": {**spec, "ports": listed}}


def _ports(spec: Mapping[str, Any]) -> list[int]:
    ports = [port.get("nodePort") for port in spec.get("ports") or ()] + [spec.get("healthCheckNodePort")]
    return [port for port in ports if port]
