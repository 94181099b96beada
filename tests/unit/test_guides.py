"""Documents are true: examples of the guides have variables and options that exist, and links lead somewhere."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml

from ansible_collections.kindlab.volumes.plugins.module_utils._core.provision import lab_problems
from ansible_collections.kindlab.volumes.tests.unit.test_roles_arguments import ROLES, module_options, options

ROOT = Path(__file__).resolve().parents[2]
SITE = ROOT / "docs" / "docsite"
GUIDES = sorted((SITE / "rst").glob("*.rst"))
PLACES = ("*.md", "docs/*.md", "roles/**/*.md", "tests/**/*.md")
MARKDOWN = sorted(path for place in PLACES for path in ROOT.glob(place))
# What belongs to the play, and not to a role or module.
PLAY = {"role", "vars", "when", "become"}
LABEL = "ansible_collections.kindlab.volumes.docsite"

each_guide = pytest.mark.parametrize("guide", GUIDES, ids=lambda path: path.stem)


@cache
def variables() -> set[str]:
    """The variables of all roles, and what several of them share."""
    shared = re.findall(r"`(kindlab_\w+)`", (ROOT / "roles" / "README.md").read_text())
    return {name for role in ROLES for name in options(role)} | {*shared, "kindlab_hosts"}


def blocks(guide: Path, language: str) -> list[str]:
    pattern = rf"^\.\. code-block:: {language}\n\n((?: {{4}}.*\n|\n)+)"
    return [textwrap.dedent(text) for text in re.findall(pattern, guide.read_text(), re.MULTILINE)]


def plays(guide: Path) -> Iterator[dict[str, Any]]:
    for text in blocks(guide, "yaml"):
        found = yaml.safe_load(text)
        yield from found if isinstance(found, list) else []


def labs(tree: Any) -> Iterator[list[Any]]:
    """The values of provision_clusters, wherever they are."""
    for key, value in tree.items() if isinstance(tree, dict) else ():
        if key == "provision_clusters":
            yield value
        yield from labs(value)


@each_guide
def test_a_guide_is_one_of_the_site(guide: Path) -> None:
    (section,) = yaml.safe_load((SITE / "extra-docs.yml").read_text())["sections"]
    assert guide.stem in section["toctree"] and len(section["toctree"]) == len(GUIDES)
    assert guide.read_text().startswith(f".. _{LABEL}.{guide.stem}:\n")


@each_guide
def test_roles_have_the_variables_of_the_examples(guide: Path) -> None:
    for play in plays(guide):
        for role in play.get("roles", ()):
            given = role if isinstance(role, dict) else {"role": role}
            assert given["role"].startswith("kindlab.volumes.")
            known = options(ROOT / "roles" / given["role"].rpartition(".")[2])
            assert given.keys() - PLAY <= known.keys()
        assert play.get("vars", {}).keys() <= variables()


@each_guide
def test_modules_have_the_options_of_the_examples(guide: Path) -> None:
    for play in plays(guide):
        for task in play.get("tasks", ()):
            for module, given in task.items():
                if module.startswith("kindlab.volumes."):
                    assert given.keys() <= module_options(module.rpartition(".")[2]).keys()


@each_guide
def test_labs_of_the_examples_can_be(guide: Path) -> None:
    for text in blocks(guide, "yaml"):
        for clusters in labs(yaml.safe_load(text)):
            # A name may be a template.
            names = [cluster["name"].strip("{} ").replace("_", "-") for cluster in clusters]
            assert lab_problems([{**c, "name": name} for c, name in zip(clusters, names, strict=True)]) == []


@each_guide
def test_names_in_the_text_exist(guide: Path) -> None:
    text = guide.read_text()
    playbooks = set(re.findall(r"ansible-playbook kindlab\.volumes\.(\w+)", text))
    assert {name for name in playbooks if not (ROOT / "playbooks" / f"{name}.yml").exists()} == set()
    prefixes = "|".join(role.name for role in ROLES if not role.name.startswith("_"))
    named = set(re.findall(rf"(?:``|-e '?\{{?)((?:kindlab|{prefixes})_\w+)(?=[=:`])", text))
    assert named - variables() == set()
    pages = set(re.findall(r":ansplugin:`kindlab\.volumes\.(\w+)#(\w+)`", text))
    places = {"module": ROOT / "plugins" / "modules", "role": ROOT / "roles"}
    assert {p for p in pages if not [*places[p[1]].glob(p[0]), *places[p[1]].glob(f"{p[0]}.py")]} == set()
    refs = set(re.findall(rf"<{re.escape(LABEL)}\.(\w+)>", text))
    assert refs <= {other.stem for other in GUIDES}


def test_examples_are_found() -> None:
    assert sum(len(list(plays(guide))) for guide in GUIDES) > 10
    assert sum(len(blocks(guide, "console")) for guide in GUIDES) > 8


def anchors(path: Path) -> set[str]:
    """What links to headings of a Markdown file are called."""
    headings = re.findall(r"^#+ (.+)$", path.read_text(), re.MULTILINE)
    return {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("path", MARKDOWN, ids=lambda path: str(path.relative_to(ROOT)))
def test_links_of_documents_lead_somewhere(path: Path) -> None:
    lost = []
    for target in re.findall(r"\]\(([^)\s]+)\)", re.sub(r"```.*?```|`[^`]*`", "", path.read_text(), flags=re.DOTALL)):
        file, _hash, anchor = target.partition("#")
        if re.match(r"[a-z]+:", target):
            continue
        place = path.parent / file if file else path
        if not place.exists() or (anchor and anchor not in anchors(place)):
            lost.append(target)
    assert lost == []
