# Copyright: kindlab.volumes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Text: shortened lists, counts, and paths with special characters."""

from __future__ import annotations

import os
import re
from collections.abc import Collection, Iterable
from itertools import islice
from json.encoder import encode_basestring_ascii


def listed(items: Collection[str] | Iterable[str], limit: int = 10, *, separator: str = ", ", beyond: int = 0) -> str:
    """The first items and the number of others, with those beyond these items: 'a, b, and 3 more'."""
    rest = iter(items)
    shown = list(islice(rest, limit))
    more = sum(1 for _item in rest) + beyond
    return separator.join([*shown, *([f"and {more} more"] if more else [])])


def count(number: int, noun: str) -> str:
    """'1 volume', '2 volumes'."""
    return f"{number} {noun}{'' if number == 1 else 's'}"


def claimed(name: str, claim: str) -> str:
    """A volume as people know it: 'shop/database (pvc-0d4c)', or its name if it has no claim."""
    return f"{claim} ({name})" if claim else name


def is_number(text: str) -> bool:
    """True for the digits of a number that a field of 64 bits can have."""
    return bool(re.fullmatch(r"[0-9]{1,18}", text))


def be(number: int) -> str:
    """'is' or 'are'."""
    return "is" if number == 1 else "are"


def unescaped(path: str) -> str:
    r"""A path of /proc/*/mountinfo, which writes blanks as \040 and the like."""
    return re.sub(r"\\([0-7]{3})", lambda code: chr(int(code[1], 8)), path)


def printable(path: str | bytes) -> str:
    """The path, quoted and escaped if it has a character that is not printable."""
    text = os.fsdecode(path)
    return text if text.isprintable() else encode_basestring_ascii(text)


def size(number: int) -> str:
    """'512 bytes', '40 MB', '1.2 GB'."""
    amount, unit = float(number), "bytes"
    for larger in ("kB", "MB", "GB", "TB"):
        if amount < 1000:
            break
        amount, unit = amount / 1000, larger
    return f"{amount:.{0 if amount >= 10 or unit == 'bytes' else 1}f} {unit}"
