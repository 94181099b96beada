# Copyright: kindlab.volumes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Error texts for their reader: kubectl reaches the run's cluster, and options have the names that the reader knows."""

from __future__ import annotations

import re
import shlex
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from ansible_collections.kindlab.volumes.plugins.module_utils._core.errors import KindlabError

# What helps if this user may not read or write a file.
AS_ROOT = "run as root (become: true)"
AS_ROOTLESS = "change its mode in a node, where root may do so"

# The option by which a role says what its variables are called: prefix and option, except for those in names.
_CALLED = {"prefix": {"type": "str", "required": True}, "names": {"type": "dict", "default": {}}}
VARIABLES: dict[str, dict[str, Any]] = {"variables": {"type": "dict", "options": _CALLED}}

_VERBS = (
    "annotate apply auth cluster-info config cordon create debug delete describe drain edit events exec get label logs"
    " patch replace rollout scale taint top uncordon wait"
)
_KUBECTL = re.compile(rf"(?<![\w./-])kubectl(?= (?:-|(?:{'|'.join(_VERBS.split())})\b))(?![^;|&\n]* --kubeconfig)")
_KIND = re.compile(r"(?<![\w./=-])(?<!=podman )(?<!=nerdctl )kind(?= (?:get|export|delete|load) )")
_REQUEST = re.compile(r"^GET https?://[^/]+(/\S*)$")
_IN_CONTAINER = re.compile(r"\bexec (?:-\S+ )*\S+ $")
# What is said about another module: up to the end of the clause.
_OTHER_MODULE = re.compile(
    r"kindlab\.volumes\.[a-z_]+(?:(?![.;)](?:\s|$)|\)[,.;]|,? (?:and|or|then) (?:set|use|run)\b)[^\n])*"
)
_BULLET = "\n- "
_SENTENCE = re.compile(r"(?<=[.;]) (?=[A-Z])")
_ALTERNATIVE = ", or "
_TOLD = re.compile(r"(?:\b[Ss]et|\b[Cc]orrect|\b[Rr]emove|\b[Ii]ncrease|\boptions?|\ball of) $")
_GOES_ON = re.compile(r"[,.:;)]|\s(?:to|or|and|is|are|instead)\b|$")
_IS_SUBJECT = re.compile(r"(?: '[^']*'| -?\d+)? (?:is|are|must|has|needs|names|maps|requires)\b")


@dataclass(frozen=True)
class Reader:
    """Who reads an error.

    kubectl: the options that lead to the run's cluster. kind: the environment that makes kind use its engine.
    root_helps: whether another user's files can be read as root, who does not see containers of a rootless engine.
    variables: option -> what the reader calls it, '' for one that the reader cannot set.
    """

    kubectl: str = ""
    kind: str = ""
    root_helps: bool = True
    variables: Mapping[str, str] = field(default_factory=dict)

    def text(self, error: KindlabError) -> str:
        """The text of an error."""
        step = self.step(error.next_step)
        tried = self._reaching(_REQUEST.sub(lambda get: f"kubectl get --raw {shlex.quote(get[1])}", error.tried))
        told = KindlabError(self.prose(error.message), tried=tried, next_step=step)
        return told.text()

    def prose(self, text: str) -> str:
        """Sentences, which may name options and contain commands."""
        return self._reaching(self._renamed(text)[0])

    def step(self, text: str) -> str:
        """Next steps, without those that need an option that the reader does not have."""
        lines = [self._possible(line) for line in text.split(_BULLET)]
        possible = [line for line in lines if line]
        bullets = len(possible) > 1 or (len(lines) == 1 and text.startswith(_BULLET))
        return _BULLET.join(["", *possible]) if bullets else "".join(possible)

    def details(self, details: Any) -> Any:
        """The details of an error: reasons and next steps for this reader, all else as it is."""
        if isinstance(details, Mapping):
            return {key: self._detail(key, value) for key, value in details.items()}
        if isinstance(details, Sequence) and not isinstance(details, str):
            return [self.details(item) for item in details]
        return details

    def _detail(self, key: object, value: Any) -> Any:
        if not isinstance(value, str):
            return self.details(value)
        return {"why": self.prose, "next_step": self.step}.get(str(key), str)(value)

    def _reaching(self, text: str) -> str:
        """With commands that reach the run's cluster; a kubectl inside a container does already."""

        def reach(match: re.Match[str]) -> str:
            return match[0] if _IN_CONTAINER.search(text, 0, match.start()) else f"kubectl {self.kubectl}"

        if not self.root_helps:
            text = text.replace(AS_ROOT, AS_ROOTLESS)
        if self.kind:
            text = _KIND.sub(f"{self.kind} kind", text)
        return _KUBECTL.sub(reach, text) if self.kubectl else text

    def _possible(self, line: str) -> str:
        """The sentences of a next step, and of their alternatives those that name no missing option."""
        kept = []
        for sentence in _SENTENCE.split(line):
            told = [self._renamed(way) for way in sentence.split(_ALTERNATIVE)]
            possible = _ALTERNATIVE.join(text for text, known in told if known)
            if possible:
                kept.append(possible[0].upper() + possible[1:] if not told[0][1] else possible)
        text = " ".join(kept)
        return self._reaching(text + ("." if text and line.endswith(".") and not text.endswith(".") else ""))

    def _renamed(self, text: str) -> tuple[str, bool]:
        """The text with the reader's names of options, and whether the reader has all of them."""
        parts, end, known = [], 0, True
        for other in (*_OTHER_MODULE.finditer(text), None):
            part, ours = self._options(text[end : other.start() if other else None])
            parts += [part, other[0] if other else ""]
            end, known = other.end() if other else end, known and ours
        return "".join(parts), known

    def _options(self, text: str) -> tuple[str, bool]:
        missing: list[str] = []

        def rename(match: re.Match[str]) -> str:
            if not match["assigned"] and not names_options(match[0], text[: match.start()], text[match.end() :]):
                return match[0]
            words = match["assigned"] or match[0]
            missing.extend(word for word in re.findall(r"[a-z_]+", words) if self.variables.get(word) == "")
            told = re.sub(r"[a-z_]+", lambda word: self.variables.get(word[0]) or word[0], words)
            same = told == words
            return told + ("" if not match["assigned"] else "=" if same else ": ")

        return (self._pattern.sub(rename, text) if self.variables else text), not missing

    @cached_property
    def _pattern(self) -> re.Pattern[str]:
        return option_pattern(self.variables)


def option_pattern(options: Collection[str]) -> re.Pattern[str]:
    """OPTION=VALUE, as group 'assigned', or words that may be options: one, or several with commas, 'and', 'or'."""
    each = "|".join(sorted(options, key=len, reverse=True))
    start = r"""(?<![\w./=,'"-])"""
    word = rf"{start}(?:{each})(?![\w/=-])"
    return re.compile(rf"{start}(?P<assigned>{each})=(?=[^\s=])|{word}(?:(?:,? and |,? or |, |/){word})*")


def names_options(words: str, before: str, after: str) -> bool:
    """Whether these words are options, and not ordinary ones: 'set path to', '(keep)', 'names and storage_classes'."""
    if "_" in words or (before.endswith("(") and after.startswith(")")):
        return True
    told = _TOLD.search(before) and _GOES_ON.match(after)
    return bool(told or (not before and _IS_SUBJECT.match(after)))


def kubectl_options(kubeconfig: str, context: str) -> str:
    """The options of kubectl that lead to this cluster; '' is the user's own kubeconfig or its current context."""
    words = [*(["--kubeconfig", kubeconfig] if kubeconfig else []), *(["--context", context] if context else [])]
    return shlex.join(words)


def called(options: Mapping[str, str], variables: Mapping[str, Any] | None) -> dict[str, str]:
    """What a reader calls each option, '' for none. options: its name here; variables: the option of that name."""
    if not variables:
        return dict(options)
    prefix, names = variables["prefix"], variables["names"]
    return {option: str(names.get(option, prefix + name)) if name else "" for option, name in options.items()}
