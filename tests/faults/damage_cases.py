"""Run random cases of damage; print a row as JSON for each kind of damage."""

from __future__ import annotations

import faulthandler
import json
import sys
import zlib
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import damage_archives
import damage_files
import damage_texts
import hypothesis
from hypothesis import strategies as st
from separate import CASE, HANGS
from victim import COMPRESSIONS, How, Victim, Way


def rows(top: Path, seed: int, cases: int, only: str) -> Iterator[dict[str, Any]]:
    """A row per kind of damage whose name contains `only`; if that is empty, exactly `cases` cases in total."""
    ways = [*damage_texts.ways(), *damage_archives.ways(), *damage_files.ways()]
    shares, left = sum(way.share for way in ways), cases
    victims = {name: Victim(top / name, name) for name in COMPRESSIONS}
    for way in ways:
        if only in way.name:
            # Cases that other kinds could not generate are added to the last one.
            count = left if way is ways[-1] and not only else max(1, cases * way.share // shares)
            found, wrong = _cases(top, way, seed, count, victims)
            left -= found.total()
            yield _row(way, found, wrong, f"--seed {seed} --cases {cases} --only '{way.name}'")


def _cases(top: Path, way: Way, seed: int, count: int, victims: dict[str, Victim]) -> tuple[Counter[str], list[str]]:
    """The number of cases per verdict, and descriptions of the wrong ones."""
    found: Counter[str] = Counter()
    wrong: list[str] = []

    @hypothesis.seed(seed ^ zlib.crc32(way.name.encode()))
    @hypothesis.settings(
        max_examples=count,
        database=None,
        deadline=None,
        phases=[hypothesis.Phase.generate],
        suppress_health_check=list(hypothesis.HealthCheck),
    )
    @hypothesis.given(st.data())
    def case(data: st.DataObject) -> None:
        victim = victims[data.draw(st.sampled_from(way.compressions))]
        # Rarely into a node: that is slow, and differs in the extraction only.
        inside = data.draw(st.integers(0, 9)) == 0
        how = How(data.draw(st.sampled_from(way.verify)), inside, data.draw(st.booleans()))
        files = dict(victim.files)
        said = way.damage(data, files, victim)
        (top / CASE).write_text(f"{way.name}: {said}; {how}", errors="backslashreplace")
        faulthandler.dump_traceback_later(HANGS, exit=True)
        verdict = victim.restore(files, how)
        faulthandler.cancel_dump_traceback_later()
        found[verdict.word] += 1
        if verdict.word not in way.allowed:
            wrong.append(f"{verdict.why or verdict.word}; {said}; {how}")

    case()
    return found, wrong


def _row(way: Way, found: Counter[str], wrong: list[str], again: str) -> dict[str, Any]:
    counts = [f"{found.total()} cases", f"{found['refused']} refused"]
    if found["equal"]:
        counts.append(f"{found['equal']} without effect")
    counts.append(f"{len(wrong)} wrong" if wrong else "0 wrong")
    told = f"{min(wrong, key=len)}; {again}" if wrong else "restored as saved, or refused"
    return {"point": way.name, "found": ", ".join(counts), "result": told, "ok": found.total() > 0 and not wrong}


if __name__ == "__main__":
    for row in rows(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]), sys.argv[4]):
        print(json.dumps(row), flush=True)
