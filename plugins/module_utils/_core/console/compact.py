# Copyright: kindlab.volumes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What a module returned, for people: a paragraph for each row of a list, its claim first, without empty values."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

# What people look for first, in this order.
FIRST = ("claim", "host_directory", "name")


def compact(found: Mapping[str, Any], width: int) -> str:
    """The lines of a result, at most so wide where blanks allow it."""
    return "\n".join(line for key, value in found.items() for line in _field(str(key), value, width))


def _field(key: str, value: Any, width: int) -> Iterator[str]:
    if isinstance(value, Mapping):
        yield f"{key}:"
        for name, inner in value.items():
            yield from (f"  {line}" for line in _field(str(name), inner, width - 2))
    elif _is_list(value) and value:
        yield f"{key}:"
        for row in value:
            yield from _wrapped(f"- {_inline(row)}", width, "  ")
    else:
        yield from _wrapped(f"{key}: {_inline(value)}", width, "  ")


def _inline(value: Any) -> str:
    if isinstance(value, Mapping):
        keys = sorted(value, key=lambda key: FIRST.index(key) if key in FIRST else len(FIRST))
        return ", ".join(f"{key}: {_nested(value[key])}" for key in keys if not _is_empty(value[key]))
    if _is_list(value):
        return ", ".join(map(_nested, value)) or "none"
    if isinstance(value, bool):
        return "yes" if value else "no"
    return str(value)


def _nested(value: Any) -> str:
    text = _inline(value)
    return f"({text})" if isinstance(value, Mapping) or (_is_list(value) and len(value) > 1) else text


def _is_list(value: Any) -> bool:
    return isinstance(value, Sequence) and not isinstance(value, (str, bytes))


def _is_empty(value: Any) -> bool:
    return value is None or value is False or (isinstance(value, (str, Sequence, Mapping)) and not value)


def _wrapped(text: str, width: int, indent: str) -> list[str]:
    lines = textwrap.wrap(
        text, max(width, 20), subsequent_indent=indent, break_long_words=False, break_on_hyphens=False
    )
    return lines or [text]
