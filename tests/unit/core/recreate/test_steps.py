"""The list of steps: what journal, resume and the functions of the steps rely on."""

from __future__ import annotations

from ansible_collections.kindlab.volumes.plugins.module_utils._core.recreate.steps import (
    CREATE,
    DELETE,
    DELETION,
    ENTRIES,
    FIRST,
    STEPS,
    Step,
    steps_from,
    stops_nothing,
)
from ansible_collections.kindlab.volumes.plugins.module_utils._sequence.recreate import steps, without_api


def test_every_step_has_a_function() -> None:
    names = [step.name for step in STEPS]
    assert list(steps.RUN) == names and steps.RUN.keys() == without_api.RUN.keys()


def test_only_steps_before_the_deletion_can_be_undone() -> None:
    assert [step for step in STEPS if step.undoable] == list(STEPS[: STEPS.index(DELETION)])
    assert [step for step in STEPS if step.begins] == [DELETION]


def test_a_run_starts_in_one_of_three_places() -> None:
    assert (STEPS[0].name, DELETION.name, STEPS[STEPS.index(DELETION) + 1].name) == (FIRST, DELETE, CREATE)
    assert steps_from(FIRST) == STEPS and steps_from(CREATE)[0].name == CREATE


def test_entries_have_the_order_of_the_steps() -> None:
    assert len(set(ENTRIES)) == len(ENTRIES) == len(STEPS) + 2
    assert ENTRIES.index(DELETION.begins) + 1 == ENTRIES.index(DELETION.name)


def test_when_a_step_applies() -> None:
    volumes, attach = {"volumes": [{}]}, {"attach": True}
    assert Step("a", "").applies({}, {}, ("a",))
    assert not Step("a", "", once=True).applies({}, {}, ("a",))
    assert [Step("a", "", needs="backup").applies({}, facts, ()) for facts in ({}, volumes)] == [False, True]
    assert Step("a", "", needs="backup").applies({}, {"generation": "000001-x"}, ())
    assert [Step("a", "", option="attach").applies(o, {}, ()) for o in (attach, {"attach": False})] == [True, False]
    assert [Step("a", "", option="o").applies({"o": value}, {}, ()) for value in ("all", "none")] == [True, False]


def test_when_a_step_is_possible() -> None:
    """What is planned to be saved may turn out to be nothing."""
    needing = Step("a", "", needs="objects")
    assert needing.applies({}, {"saves_objects": True}, ()) and not needing.is_possible({"saves_objects": True})
    assert needing.is_possible({"objects_from": "000001-x"}) and Step("a", "").is_possible({})


def test_what_stops_nothing_comes_first() -> None:
    assert [step.name for step in STEPS if stops_nothing(step)] == ["planned", "images_saved", "rehearsed"]


def test_data_is_compared_before_anything_that_may_start_pods_exists() -> None:
    names = [step.name for step in STEPS]
    assert names.index("restored") < names.index("verified") < names.index("applied") < names.index("attached")
