"""The texts that a module can show: strings of the functions and constants that its action reaches."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parents[3]
UTILS = ROOT / "plugins" / "module_utils"
PACKAGE = "ansible_collections.kindlab.volumes.plugins.module_utils."
MODULES = sorted(path.stem for path in (ROOT / "plugins" / "modules").glob("*.py"))
VALUE = "{}"


class Symbol(NamedTuple):
    """A function, class or constant at the top of a file below module_utils; name '' is the whole file."""

    file: str
    name: str


class Text(NamedTuple):
    """A string with {} for its values."""

    file: str
    line: int
    text: str


def action(module: str) -> str:
    """The file of a module's action."""
    paths = (f"{package}/{module}.py" for package in ("_sequence", "_action"))
    return next(path for path in paths if (UTILS / path).exists())


@cache
def module_texts(module: str) -> tuple[Text, ...]:
    """All sentences that a module may show."""
    found: set[Symbol] = set()
    todo = {Symbol(action(module), "run")}
    while todo:
        symbol = todo.pop()
        found.add(symbol)
        todo |= _used(symbol) - found
    return tuple(text for symbol in sorted(found) for text in _texts(symbol))


@cache
def _symbols(file: str) -> dict[str, tuple[ast.stmt, ...]]:
    """Name -> the statements that define it."""
    found: dict[str, tuple[ast.stmt, ...]] = {}
    for node in ast.parse((UTILS / file).read_text()).body:
        targets = (
            node.targets if isinstance(node, ast.Assign) else [node.target] if isinstance(node, ast.AnnAssign) else []
        )
        names = [name.id for target in targets for name in ast.walk(target) if isinstance(name, ast.Name)]
        names += [node.name] if isinstance(node, ast.FunctionDef | ast.ClassDef) else []
        for name in names:
            found[name] = (*found.get(name, ()), node)
    return found


@cache
def _imports(file: str) -> dict[str, Symbol]:
    """Name in this file -> what of another file it is."""
    found = {}
    for node in ast.walk(ast.parse((UTILS / file).read_text())):
        if not isinstance(node, ast.ImportFrom):
            continue
        folder = Path(file).parent.as_posix() if node.level else ""
        module = (node.module or "").replace(".", "/")
        if not node.level:
            if not (f"{node.module}.").startswith(PACKAGE):
                continue
            module = module.removeprefix(PACKAGE.replace(".", "/"))
        path = "/".join(filter(None, (folder, module)))
        for alias in node.names:
            whole = f"{path}/{alias.name}.py"
            found[alias.asname or alias.name] = (
                Symbol(whole, "") if (UTILS / whole).exists() else Symbol(f"{path}.py", alias.name)
            )
    return found


@cache
def _used(symbol: Symbol) -> frozenset[Symbol]:
    own, imports = _symbols(symbol.file), _imports(symbol.file)
    found = set()
    for node in (n for statement in own.get(symbol.name, ()) for n in ast.walk(statement)):
        if isinstance(node, ast.Name) and node.id in own:
            found.add(Symbol(symbol.file, node.id))
        elif isinstance(node, ast.Name) and node.id in imports and imports[node.id].name:
            found.add(imports[node.id])
        elif isinstance(node, ast.Name) and node.id in imports:
            # A file that is handed on as a whole: an action of a recreation, a step's functions.
            other = imports[node.id].file
            found |= {Symbol(other, name) for name in ("run", "RUN", "undo") if name in _symbols(other)}
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id in imports:
            found.add(Symbol(imports[node.value.id].file, node.attr))
    return frozenset(s for s in found if ((UTILS / s.file).exists() and s.name in _symbols(s.file)) or _forwarded(s))


def _forwarded(symbol: Symbol) -> bool:
    return (UTILS / symbol.file).exists() and symbol.name in _imports(symbol.file)


@cache
def _texts(symbol: Symbol) -> tuple[Text, ...]:
    """The strings with a blank; docstrings are none."""
    found = (pair for statement in _symbols(symbol.file).get(symbol.name, ()) for pair in _strings(statement))
    return tuple(Text(symbol.file, node.lineno, text) for node, text in found if " " in text)


def _strings(node: ast.AST) -> Iterator[tuple[ast.expr, str]]:
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.Expr) and isinstance(child.value, ast.Constant):
            continue
        text = _literal(child)
        if text is not None and isinstance(child, ast.expr):
            yield child, text
        if text is None or isinstance(child, ast.JoinedStr | ast.BinOp):
            yield from _strings(child)


def _literal(node: ast.AST) -> str | None:
    """Sums of strings are one string."""
    if isinstance(node, ast.Constant):
        return node.value if isinstance(node.value, str) else None
    if isinstance(node, ast.JoinedStr):
        return "".join(str(part.value) if isinstance(part, ast.Constant) else VALUE for part in node.values)
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add):
        left, right = _literal(node.left), _literal(node.right)
        return None if left is None and right is None else f"{left or VALUE}{right or VALUE}"
    return None
