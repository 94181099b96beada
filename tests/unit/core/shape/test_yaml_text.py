"""Objects as YAML: readable, and PyYAML reads from it what was written, whatever the texts are like."""

from __future__ import annotations

from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.kindlab.volumes.plugins.module_utils._core.shape.yaml_text import documents

# Characters that decide how a text is written.
tricky = st.text(st.sampled_from("ab1eE. \n\t\r:#-'\"\\|>%&*!?{}[],~=<@`/_+\0\x1b\x7f\x85\xa0\u2028\ufeff\U0001f600"))
values: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | tricky,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(tricky, inner, max_size=3),
    max_leaves=8,
)
LOADERS = [yaml.SafeLoader, getattr(yaml, "CSafeLoader", yaml.SafeLoader)]


@given(st.lists(values, max_size=3))
def test_what_is_read_is_what_was_written(found: list[Any]) -> None:
    text = documents(found)
    assert [list(yaml.load_all(text, Loader=loader)) for loader in LOADERS] == [found] * 2


@pytest.mark.parametrize(
    "word",
    [
        *(
            "true",
            "No",
            "ON",
            "y",
            "null",
            "~",
            "",
            "1",
            "1.5",
            "1e3",
            "0x1",
            "010",
            "1:30",
            "2001-01-01",
            "=",
            "<<",
            ".inf",
        ),
        *("1Gi", "100m", "a: b", "a #b", "- a", "10.0.0.1", "kindlab/node:v1.34.4", "/var/lib", "a:", "---", "..."),
    ],
)
def test_texts_stay_texts(word: str) -> None:
    assert yaml.safe_load(documents([{"a": word, "b": [word]}])) == {"a": word, "b": [word]}


@pytest.mark.parametrize(
    "text", ["a\nb", "a\n", "a\n\n", "a\n\n b\n", "a\n ", "a\n\t\n", "a \nb", " a\nb", "\na", "a\r\nb"]
)
def test_lines_stay_lines(text: str) -> None:
    assert yaml.safe_load(documents([{"a": text, "b": [text, {"c": text}]}])) == {"a": text, "b": [text, {"c": text}]}


def test_a_very_long_key() -> None:
    found = {"k" * 5000: {"a": ["é\x7f", 1]}, "other": 1}
    assert yaml.safe_load(documents([found])) == found


def test_people_read_it() -> None:
    found = {
        "kind": "ConfigMap",
        "data": {"run.sh": "#!/bin/sh\n\nexec true\n", "empty": "", "port": "80"},
        "items": [{"key": "a", "of": [1, None]}, [["x"], "z"], {}, []],
        "metadata": {"name": "é", "labels": {}, "finalizers": ("kubernetes",)},
    }
    assert documents([found, {"kind": "Pod"}]) == (
        "---\n"
        "data:\n"
        '  empty: ""\n'
        '  port: "80"\n'
        "  run.sh: |\n"
        "    #!/bin/sh\n"
        "\n"
        "    exec true\n"
        "items:\n"
        "- key: a\n"
        "  of:\n"
        "  - 1\n"
        "  - null\n"
        "- - - x\n"
        "  - z\n"
        "- {}\n"
        "- []\n"
        "kind: ConfigMap\n"
        "metadata:\n"
        "  finalizers:\n"
        "  - kubernetes\n"
        "  labels: {}\n"
        '  name: "é"\n'
        "---\n"
        "kind: Pod\n"
    )
