"""Reads an image from a registry and says how many bytes of it came, each blob with the digest that it is named by."""

from __future__ import annotations

import hashlib
import http.client
import json
import sys


def fetched(registry: str, path: str, digest: str) -> bytes:
    connection = http.client.HTTPConnection(registry, timeout=60)
    connection.request("GET", f"/v2/{path}/{digest}")
    content = connection.getresponse().read()
    connection.close()
    found = f"sha256:{hashlib.sha256(content).hexdigest()}"
    if found != digest:
        sys.exit(f"{path}/{digest} is {found}")
    return content


if __name__ == "__main__":
    registry, repository, digest = sys.argv[1:]
    manifest = json.loads(fetched(registry, f"{repository}/manifests", digest))
    blobs = [manifest["config"], *manifest["layers"]]
    print(sum(len(fetched(registry, f"{repository}/blobs", blob["digest"])) for blob in blobs))
