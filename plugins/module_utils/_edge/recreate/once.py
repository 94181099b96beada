# Copyright: kindlab.volumes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Ask an engine for its nodes, and look at each of them, once in a plan that runs several actions."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ansible_collections.kindlab.volumes.plugins.module_utils._edge.command import Completed, Runner
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.identity.look import LOOK

# Commands of an engine that list its nodes and describe them.
_LISTS = ("ps", "inspect")


class OnceRunner(Runner):
    """Remembers the answers to these commands: for as long as nothing is changed."""

    def __init__(self, inner: Runner) -> None:
        self.inner = inner
        self._answers: dict[tuple[str, ...], Completed] = {}

    def argv(self, argv: Sequence[str]) -> list[str]:
        return self.inner.argv(argv)

    def run(self, argv: Sequence[str], **options: Any) -> Completed:
        key = tuple(argv)
        if key in self._answers:
            return self._answers[key]
        done = self.inner.run(argv, **options)
        if done.code == 0 and (LOOK in key or any(key[1:2] == (verb,) for verb in _LISTS)):
            self._answers[key] = done
        elif done.code != 0 and key[1:2] == ("inspect",):
            # A container is gone since it was listed.
            self._answers = {asked: answer for asked, answer in self._answers.items() if asked[1:2] != ("ps",)}
        return done
