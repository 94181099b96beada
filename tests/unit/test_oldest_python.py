"""What runs on managed hosts parses on the oldest Python, and calls nothing that came later."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]
OLDEST = (3, 9)
FILES = sorted([*ROOT.glob("plugins/**/*.py"), *ROOT.glob("roles/*/files/**/*.py")])

MODULES = {"tomllib", "compression", "annotationlib"}
# Names of the standard library, by module: imported, or as attributes of the module.
NAMES = {
    "types": {"NoneType", "UnionType", "EllipsisType"},
    "typing": {
        *("Concatenate", "ParamSpec", "TypeAlias", "TypeGuard", "is_typeddict"),
        *("Never", "LiteralString", "NotRequired", "Required", "Self", "TypeVarTuple", "Unpack"),
        *("assert_never", "assert_type", "dataclass_transform", "reveal_type", "override", "TypeIs", "ReadOnly"),
    },
    "itertools": {"pairwise", "batched"},
    "hashlib": {"file_digest"},
    "datetime": {"UTC"},
    "dataclasses": {"KW_ONLY"},
    "enum": {"StrEnum", "verify", "member", "nonmember"},
    "contextlib": {"chdir", "aclosing"},
    "inspect": {"get_annotations", "markcoroutinefunction"},
    "fcntl": {"F_SETPIPE_SZ", "F_GETPIPE_SZ"},
    "os": {"eventfd", "splice", "unshare", "setns", "EFD_CLOEXEC", "process_cpu_count", "login_tty"},
    "sys": {"stdlib_module_names", "orig_argv", "exception", "activate_stack_trampoline"},
    "tarfile": {"data_filter", "tar_filter", "fully_trusted_filter", "FilterError"},
    "asyncio": {"TaskGroup", "timeout", "Runner", "Barrier"},
    "operator": {"call"},
    "math": {"cbrt", "exp2", "sumprod", "fma"},
    "warnings": {"deprecated"},
    "copy": {"replace"},
}
BUILTINS = {"aiter", "anext", "ExceptionGroup", "BaseExceptionGroup", "EncodingWarning", "PythonFinalizationError"}
# Methods whose name alone tells.
METHODS = {"add_note", "hardlink_to", "bit_count", "walk_up", "with_segments", "copy_into", "move_into"}
# Arguments by the name of what is called.
ARGUMENTS = {
    "zip": {"strict"},
    "dataclass": {"slots", "kw_only", "match_args", "weakref_slot"},
    "field": {"kw_only"},
    "bisect": {"key"},
    "bisect_left": {"key"},
    "bisect_right": {"key"},
    "insort": {"key"},
    "extract": {"filter"},
    "extractall": {"filter"},
    "TemporaryDirectory": {"ignore_cleanup_errors", "delete"},
    "NamedTemporaryFile": {"delete_on_close"},
    "rmtree": {"onexc", "dir_fd"},
    "realpath": {"strict"},
    "exists": {"follow_symlinks"},
    "glob": {"case_sensitive", "recurse_symlinks", "root_dir", "include_hidden"},
    "rglob": {"case_sensitive", "recurse_symlinks"},
    "relative_to": {"walk_up"},
    "read_text": {"newline"},
    "write_text": {"newline"},
    "Popen": {"process_group", "pipesize"},
    "run": {"process_group", "pipesize"},
    "basicConfig": {"formatter"},
}
TYPES = {"int", "str", "bytes", "float", "bool", "dict", "list", "tuple", "set", "frozenset", "type", "object"}


def annotations(tree: ast.AST) -> set[ast.AST]:
    """All that is part of an annotation, which is never evaluated."""
    found = [getattr(node, name, None) for node in ast.walk(tree) for name in ("annotation", "returns")]
    return {part for node in found if node is not None for part in ast.walk(node)}


def is_type(node: ast.AST) -> bool:
    """True for what only a union of types is made of."""
    if isinstance(node, ast.Subscript):
        return is_type(node.value)
    return (isinstance(node, ast.Constant) and node.value is None) or getattr(node, "id", "") in TYPES


def later(source: str) -> Iterator[str]:
    """What the oldest Python does not have, each with its line."""
    tree = ast.parse(source, feature_version=OLDEST)
    evaluated_never = annotations(tree)
    for node in ast.walk(tree):
        line = getattr(node, "lineno", 0)
        yield from (f"{line}: {what}" for what in used(node) if node not in evaluated_never)


def used(node: ast.AST) -> Iterator[str]:
    if isinstance(node, ast.Import):
        yield from (f"import {name.name}" for name in node.names if name.name.partition(".")[0] in MODULES)
    elif isinstance(node, ast.ImportFrom) and not node.level:
        later_names = NAMES.get(node.module or "", set())
        yield from (f"{node.module}.{name.name}" for name in node.names if name.name in later_names)
        yield from [f"import {node.module}"] if (node.module or "").partition(".")[0] in MODULES else []
    elif isinstance(node, ast.Attribute):
        owner = getattr(node.value, "id", "")
        yield from [f"{owner}.{node.attr}"] if node.attr in NAMES.get(owner, ()) or node.attr in METHODS else []
    elif isinstance(node, ast.Name):
        yield from [node.id] if node.id in BUILTINS else []
    elif isinstance(node, ast.Call):
        name = getattr(node.func, "id", getattr(node.func, "attr", ""))
        yield from (f"{name}({word.arg}=)" for word in node.keywords if word.arg in ARGUMENTS.get(name, ()))
    elif isinstance(node, ast.BinOp) and isinstance(node.op, ast.BitOr) and any(map(is_type, (node.left, node.right))):
        yield f"the union {ast.unparse(node)}"


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_files_run_on_the_oldest_python(path: Path) -> None:
    assert list(later(path.read_text())) == []


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("for a, b in zip(x, y, strict=True): pass", ["1: zip(strict=)"]),
        ("from itertools import chain, pairwise", ["1: itertools.pairwise"]),
        ("import itertools\nitertools.pairwise(x)", ["2: itertools.pairwise"]),
        ("@dataclass(frozen=True, slots=True)\nclass A: pass", ["1: dataclass(slots=)"]),
        ("isinstance(x, int | None)", ["1: the union int | None"]),
        ("Name = dict[str, int] | A", ["1: the union dict[str, int] | A"]),
        ("import tomllib", ["1: import tomllib"]),
        ("archive.extractall(path, filter='data')", ["1: extractall(filter=)"]),
        ("def f(x: int | None) -> str | None: y: int | str = 1", []),
        ("flags = os.O_RDONLY | os.O_CLOEXEC\nboth = {1} | {2}", []),
    ],
)
def test_what_came_later_is_found(source: str, expected: list[str]) -> None:
    assert list(later(source)) == expected


@pytest.mark.parametrize("source", ["match x:\n case 1: pass", "try: pass\nexcept* OSError: pass", "type A = int"])
def test_later_syntax_is_found(source: str) -> None:
    with pytest.raises(SyntaxError):
        list(later(source))


def test_what_needs_which_python_is_said_alike() -> None:
    oldest = ".".join(map(str, OLDEST))
    config = yaml.safe_load((ROOT / "tests" / "config.yml").read_text())
    assert config["modules"]["python_requires"] == f">={oldest}"
    assert f"Python >= {oldest} with `kubernetes`" in (ROOT / "README.md").read_text()
