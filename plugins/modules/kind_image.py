#!/usr/bin/python
# Copyright: kindlab.volumes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
module: kind_image
short_description: Load images into the nodes of a kind cluster that lack them
version_added: 0.1.0
description:
  - Loads images of the container engine, and image archives, into the nodes that lack them, into all nodes at once.
  - Images are compared by name and by content, so an image that was rebuilt under the same name is loaded again.
author: kindlab.volumes contributors (@kindlab)
extends_documentation_fragment:
  - kindlab.volumes._attributes
  - kindlab.volumes._engine
options:
  cluster:
    description: Name of the kind cluster.
    type: str
    default: kind
    aliases: [name]
  images:
    description: Names of images that the engine has.
    type: list
    elements: str
  archives:
    description:
      - Paths of image archives in the format of C(docker save) or OCI, optionally compressed with gzip, xz or zstd.
      - A compressed archive is read completely to find out which images it contains.
    type: list
    elements: path
  nodes:
    description: Names of the nodes to load into. Defaults to all nodes of the cluster.
    type: list
    elements: str
notes:
  - An image that is named by digest (C(name@sha256:...)), or that has only a tag in an OCI archive, has no name in the
    nodes afterwards.
  - Of an image for several platforms, the content for platforms other than that of the nodes may be missing.
seealso:
  - module: kindlab.volumes.kind_cluster
"""

EXAMPLES = r"""
- name: Load an image into every node
  kindlab.volumes.kind_image:
    cluster: lab
    images: [localhost/shop:dev]

- name: Load an archive into the workers
  kindlab.volumes.kind_image:
    cluster: lab
    archives: [/media/usb/images.tar.gz]
    nodes: [lab-worker, lab-worker2]
"""

RETURN = r"""
images:
  description: The requested images and archives.
  returned: success
  type: list
  elements: dict
  contains:
    source:
      description: The image or the archive as requested.
      type: str
    names:
      description: Names of its images in the nodes, without a registry.
      type: list
      elements: str
    ids:
      description: Digests of its images.
      type: list
      elements: str
    loaded:
      description: Nodes that it was loaded into; in check mode those that lack it.
      type: list
      elements: str
    present:
      description: Nodes that had it before.
      type: list
      elements: str
  sample:
    - source: localhost/shop:dev
      names: [shop:dev]
      ids: [sha256:52d56a01691eaa8edac1887892f0e2a79ea42476bcc9a6e1c6ce79d43c5fe805]
      loaded: [lab-worker]
      present: [lab-control-plane]
"""

from ansible_collections.kindlab.volumes.plugins.module_utils._action import kind_image as action
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.module import run_module


def main() -> None:
    run_module(action.run, action.ARGUMENTS, **action.RULES)


if __name__ == "__main__":
    main()
