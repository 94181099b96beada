#!/usr/bin/python
# Copyright: kindlab.volumes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
module: kind_image
short_description: Load images into the nodes of a kind cluster that lack them
version_added: 0.1.0
description:
  - Loads images of the container engine, and archives of images, into the nodes that lack them, all nodes at once.
  - An image is compared by its name and by its content, so one that was built again under its old name is loaded.
author: kindlab.volumes contributors (@kindlab)
extends_documentation_fragment:
  - kindlab.volumes._attributes
  - kindlab.volumes._engine
options:
  cluster:
    description: The name of the kind cluster.
    type: str
    default: kind
    aliases: [name]
  images:
    description: Images that the engine has, by name.
    type: list
    elements: str
  archives:
    description:
      - Archives of images as C(docker save) or an OCI tool writes them, also packed with gzip, xz or zstd.
      - A packed one is read as a whole to see what is in it.
    type: list
    elements: path
  nodes:
    description: Only these nodes; all of the cluster without this.
    type: list
    elements: str
notes:
  - An image that is named by digest (C(name@sha256:...)) is in the nodes afterwards without that name.
seealso:
  - module: kindlab.volumes.kind_cluster
"""

EXAMPLES = r"""
- name: Have an image in every node
  kindlab.volumes.kind_image:
    cluster: lab
    images: [localhost/shop:dev]

- name: Have what was brought along in an archive in the workers
  kindlab.volumes.kind_image:
    cluster: lab
    archives: [/media/usb/images.tar.gz]
    nodes: [lab-worker, lab-worker2]
"""

RETURN = r"""
images:
  description: One entry for each image and each archive that was asked for.
  returned: success
  type: list
  elements: dict
  contains:
    source:
      description: The image or the archive, as it was asked for.
      type: str
    names:
      description: The names in the nodes, without a registry.
      type: list
      elements: str
    ids:
      description: The digests of the contents.
      type: list
      elements: str
    loaded:
      description: The nodes that it was loaded into; in check mode those that lack it.
      type: list
      elements: str
    already:
      description: The nodes that had it before.
      type: list
      elements: str
  sample:
    - source: localhost/shop:dev
      names: [shop:dev]
      ids: [sha256:52d56a01691eaa8edac1887892f0e2a79ea42476bcc9a6e1c6ce79d43c5fe805]
      loaded: [lab-worker]
      already: [lab-control-plane]
"""

from ansible_collections.kindlab.volumes.plugins.module_utils._action import kind_image as action
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.module import run_module


def main() -> None:
    run_module(action.run, action.ARGUMENTS, **action.RULES)


if __name__ == "__main__":
    main()
