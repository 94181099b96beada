"""A browser for the tests, and pages opened from files; the collection is found as the unit tests find it."""

from __future__ import annotations

import importlib.util
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

_UNIT = Path(__file__).resolve().parents[1] / "unit" / "conftest.py"
_SPEC = importlib.util.spec_from_file_location("kindlab_unit_conftest", _UNIT)
assert _SPEC and _SPEC.loader
_SPEC.loader.exec_module(importlib.util.module_from_spec(_SPEC))

# Nothing that a browser does on its own, in a container of a user who may be root.
FLAGS = (
    *("--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync"),
    *("--disable-background-networking", "--disable-component-update"),
)


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        found = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=[*FLAGS])
        yield found
        found.close()


@pytest.fixture
def opened(browser: Browser, tmp_path: Path) -> Iterator[Callable[..., Page]]:
    """Opens the page of a map from a file; the test fails if it asks for anything else, or reports an error."""
    from ansible_collections.kindlab.volumes.plugins.module_utils._core.map.page.document import as_html

    contexts = []
    wrong: list[str] = []

    def open_page(made: Any, changed: Any = None, **how: Any) -> Page:
        path = tmp_path / "map.html"
        path.write_text(as_html(made, changed), encoding="utf-8")
        context = browser.new_context(**{"viewport": {"width": 1200, "height": 900}, **how})
        contexts.append(context)
        page = context.new_page()
        page.on("request", lambda request: wrong.append(request.url) if request.url != path.as_uri() else None)
        page.on("console", lambda message: wrong.append(message.text))
        page.on("pageerror", lambda error: wrong.append(str(error)))
        page.on("dialog", lambda dialog: wrong.append(dialog.message))
        page.goto(path.as_uri())
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert wrong == []
