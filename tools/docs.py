"""Builds the documentation site in .build/docs from the installed collection, and fails if a link leads nowhere."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tempfile
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urldefrag

from collection import CACHED, DEPENDENCY, current, install
from environment import environment
from paths import BUILD, NAME, NAMESPACE, ROOT, point, run, say
from pythons import newest

SITE = BUILD / "docs"
PAGES, HTML = SITE / "rst", SITE / "html"
# Documents of the repository that become pages.
DOCUMENTS = ("volumes.md", "backup-format.md")
# What Ansible itself documents has no page here.
FOREIGN = re.compile(rf"undefined label: '(?!ansible_collections\.{NAMESPACE}\.{NAME}\.)")
START = """:orphan:

kindlab.volumes
===============

Back up and restore PersistentVolumes of kind clusters, and recreate a cluster with everything in it.

.. toctree::
   :maxdepth: 2

   index
   volumes
   backup-format
"""


class Page(HTMLParser):
    """The links and the anchors of a page."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.links: list[str] = []
        self.anchors: set[str] = set()
        self.feed(path.read_text())

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        self.anchors |= {value for name in ("id", "name") if (value := given.get(name))}
        self.links += [link for name in ("href", "src") if tag != "link" and (link := given.get(name))]


def lost(html: Path) -> list[str]:
    """The links between pages that lead nowhere."""
    pages = {path: Page(path) for path in html.rglob("*.html")}
    found = []
    for path, page in pages.items():
        for link in page.links:
            target, anchor = urldefrag(unquote(link.partition("?")[0] if "?v=" in link else link))
            if re.match(r"[a-z]+:|//", link) or link == "#":
                continue
            place = (path.parent / target).resolve() if target else path
            known = pages[place].anchors if place in pages else {anchor}
            if not place.exists() or (anchor and anchor not in known):
                found.append(f"{path.relative_to(html)}: {link}")
    return sorted(set(found))


def write_pages(programs: Path, artifact: Path) -> None:
    """Pages of modules, roles and guides, by antsibull-docs, and of the repository's documents."""
    antsibull = programs / "antsibull-docs"
    options = ("--use-current", "--squash-hierarchy", "--fail-on-error")
    # ansible-doc finds no roles where two folders of the path are called ansible_collections.
    with tempfile.TemporaryDirectory(prefix="kindlab-") as place:
        collection = install(programs / "ansible-galaxy", artifact, Path(place))
        namespace, dependency = DEPENDENCY.partition(":")[0].split(".")
        point(Path(place, "ansible_collections", namespace, dependency), CACHED)
        own = {
            "ANSIBLE_COLLECTIONS_PATH": place,
            "PATH": os.pathsep.join([str(programs), os.environ["PATH"]]),
        }
        run(antsibull, "lint-collection-docs", "--plugin-docs", collection, quiet=True, **own)
        name = f"{NAMESPACE}.{NAME}"
        run(antsibull, "collection", *options, "--dest-dir", PAGES, name, quiet=True, **own)
    for document in DOCUMENTS:
        shutil.copyfile(ROOT / "docs" / document, PAGES / document)
    (PAGES / "start.rst").write_text(START)
    shutil.copyfile(ROOT / "tools" / "docs_conf.py", PAGES / "conf.py")


def main() -> None:
    programs = environment("docs", newest().python) / "bin"
    artifact = current()
    shutil.rmtree(SITE, ignore_errors=True)
    PAGES.mkdir(parents=True)
    write_pages(programs, artifact)
    warnings = SITE / "warnings.txt"
    sphinx = (programs / "sphinx-build", "-q", "-b", "html", "-D", "root_doc=start", "-w", warnings, PAGES, HTML)
    code = subprocess.call(sphinx, stderr=subprocess.DEVNULL)
    problems = [line for line in warnings.read_text().splitlines() if line.strip() and not FOREIGN.search(line)]
    problems += lost(HTML) if not code else [f"sphinx-build ended with {code}"]
    if problems:
        say("\n".join(problems))
        sys.exit(f"docs: {len(problems)} problems")
    print(HTML / "start.html")


if __name__ == "__main__":
    main()
