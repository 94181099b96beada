"""Choices read from bytes: hypothesis draws the bytes at once, which is fast, and shrinks them towards plain worlds."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

from hypothesis import strategies as st

T = TypeVar("T")

SIZE = 1536


class Choices:
    """Each choice takes a byte. Where there are none left, and for a zero, it is the first option: the plainest one."""

    def __init__(self, drawn: bytes) -> None:
        self._drawn = drawn.rstrip(b"\0")
        self._place = 0

    @classmethod
    def from_text(cls, text: str) -> Choices:
        """From what a failure printed."""
        return cls(bytes.fromhex(text))

    @property
    def text(self) -> str:
        """The bytes in hexadecimal: what repeats the world."""
        return self._drawn.hex()

    def __repr__(self) -> str:
        return f"Choices.from_text('{self.text}')"

    def number(self, below: int) -> int:
        """At least 0."""
        byte = self._drawn[self._place] if self._place < len(self._drawn) else 0
        self._place += 1
        return byte % below

    def pick(self, options: Sequence[T]) -> T:
        """One of the options."""
        return options[self.number(len(options))]

    def chance(self, one_in: int) -> bool:
        """True once in so many times."""
        return self.number(one_in) == one_in - 1

    def some(self, options: Sequence[T], most: int) -> list[T]:
        """Up to so many of the options, none twice."""
        left = list(options)
        return [left.pop(self.number(len(left))) for _turn in range(self.number(min(most, len(left)) + 1))]

    def part(self, size: int) -> Choices:
        """The next bytes, for one object: fewer or more choices in it change no other object."""
        part = Choices(self._drawn[self._place : self._place + size])
        self._place += size
        return part


def choices() -> st.SearchStrategy[Choices]:
    """Choices for one world and what is asked of it."""
    return st.binary(min_size=SIZE, max_size=SIZE).map(Choices)
