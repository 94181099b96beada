"""Images are loaded while the new cluster is created, and the step after it completes and reports that."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from ansible_collections.kindlab.volumes.plugins.module_utils._core.errors import CommandFailed
from ansible_collections.kindlab.volumes.plugins.module_utils._sequence.recreate import new_cluster
from ansible_collections.kindlab.volumes.plugins.module_utils._sequence.recreate.contents import images

ROW = {"names": ["shop:1"], "digest": "sha256:1", "bytes": 40_000_000, "missing": []}
SHAPE = {"nodes": [{"role": "control-plane"}, {"role": "worker"}]}


def context(mode: str = "loaded", **facts: Any) -> Any:
    known = {"options": SHAPE, "loaded_images": [ROW], **facts}
    return SimpleNamespace(
        name="k",
        path="/backup",
        options={"images": mode, "wait_timeout": 5},
        facts=known,
        target=known,
        engine=SimpleNamespace(nodes=lambda _cluster: ()),
        results={},
        warnings=[],
        loader=None,
        cluster_id="",
    )


def test_they_are_loaded_into_the_nodes_of_the_new_shape() -> None:
    loader = images.loader(context())
    assert loader is not None and loader._names == {"k-control-plane", "k-worker"}


@pytest.mark.parametrize("run", [context("none"), context(loaded_images=[]), context(loaded_images=None)])
def test_where_there_are_none_nothing_is_loaded(run: Any) -> None:
    assert images.loader(run) is None


def test_the_step_counts_what_was_loaded_before(monkeypatch: pytest.MonkeyPatch) -> None:
    run, order = context(), []

    def load_images(*_where: Any) -> list[dict[str, Any]]:
        order.append("complete")
        return [{**ROW, "loaded": ["k-worker"], "present": ["k-control-plane"]}]

    def wait() -> list[dict[str, Any]]:
        order.append("wait")
        return [{**ROW, "loaded": ["k-control-plane"], "present": []}]

    monkeypatch.setattr(images, "load_images", load_images)
    run.loader = SimpleNamespace(wait=wait)
    assert images.load(run) == {"count": "1 image, 40 MB"} and order == ["wait", "complete"]
    [row] = run.results["images_loaded"]["images"]
    assert (row["loaded"], row["present"]) == (["k-control-plane", "k-worker"], [])


def test_loading_ends_with_a_creation_that_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    ended: list[bool] = []
    loader = SimpleNamespace(around=None, end=lambda: ended.append(True))
    monkeypatch.setattr(new_cluster.loaded, "loader", lambda _context: loader)
    run = context()

    def fail(*_asked: Any, **_outside: Any) -> None:
        raise CommandFailed("kind could not create cluster k.")

    run.run = fail
    with pytest.raises(CommandFailed):
        new_cluster.create(run)
    assert ended == [True]
