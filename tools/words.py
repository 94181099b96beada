"""Fail if a file uses a name or a phrase that was renamed (docs/renames.md), and print the term to use."""

from __future__ import annotations

import re
import sys
from pathlib import Path

from paths import ROOT, say

FOLDERS = ("docs", "playbooks", "plugins", "roles", "tests", "tools")
ENDINGS = {".j2", ".md", ".py", ".sh", ".yaml", ".yml"}
# These list the old names.
EXEMPT = {ROOT / "docs" / "renames.md", Path(__file__).resolve()}
# Old name or phrase -> term.
TERMS = {
    r"(?<!kind_)\bcluster_recreate\b": "kind_cluster_recreate",
    r"\b(namespaces|storage_classes)_too\b": "create_namespaces, create_storage_classes",
    r"\boutside_links\b": "allow_external_symlinks",
    r"\bway_out\b|\bways? out\b": "next_step, next step",
    r"\bheld_by\b": "in_use_by",
    r"\bbegins_with\b": "first_step",
    r"\blabel_selector\b": "label_selectors, pod_selectors",
    r"\bkindlab\.volumes\.(proof|workload|proof_table|lab_problems)\b": "the private name, with an underscore",
    r"  - kindlab\.volumes\.(attributes|api|selection)\n": "the private doc fragment, with an underscore",
    r"\bmobility_prefix\b": "kindlab_prefix",
    r"\b(detach|recreate)_timeout\b": "detach_wait_timeout, recreate_wait_timeout",
    r"\bbr(ing|ings|ought|inging)\b.{0,40}\bto zero\b": "scale to zero",
    r"\banew\b": "again, recreate",
    r"\bgiven back\b|\bgiv(e|es|ing)\b.{0,20}\bback\b": "scale back up, restore",
    r"\bwhat (makes|used) (pods|volumes|them)\b": "workloads, provisioner",
    r"\b(goes|gone|go) on (from|with)\b": "resume",
    r"\bnone of (this|its) ": "not part of",
    r"\bwhich is none of\b": "must be one of: ...",
    r"\bwhatever becomes\b": "regardless",
    r"\bis no (archive|directory|entry|file|host|number)\b": "is not a ...",
    r"\bsalvag\w+": "recreate without the API server",
    r"\b(fleeting|lanes?|torso)\b": "ephemeral, eviction group, unfinished cluster",
    r"name: (Have|Keep|Begin) ": "Ensure, Record, Start",
}


def main() -> None:
    found = 0
    files = [*ROOT.glob("*.md"), *(path for folder in FOLDERS for path in sorted((ROOT / folder).rglob("*")))]
    for path in files:
        if path.suffix not in ENDINGS or path in EXEMPT:
            continue
        text = path.read_text()
        for old, term in TERMS.items():
            for match in re.finditer(old, text):
                number = text.count("\n", 0, match.start()) + 1
                say(f"{path.relative_to(ROOT)}:{number}: {match[0].strip()!r} was renamed, use: {term}")
                found += 1
    sys.exit(bool(found))


if __name__ == "__main__":
    main()
