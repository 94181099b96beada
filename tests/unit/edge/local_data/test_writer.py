"""A policy is waited for until the API server goes by it; another refusal is not taken for it."""

from __future__ import annotations

import pytest

from ansible_collections.kindlab.volumes.plugins.module_utils._core.errors import KindlabError, TimedOut, Unreachable
from ansible_collections.kindlab.volumes.plugins.module_utils._edge.local_data.writer import PAUSE, wait_refused
from ansible_collections.kindlab.volumes.tests.unit.support.fakes import FakeCluster

POD = {"kind": "Pod", "metadata": {"namespace": "ns", "generateName": "p-"}}


class Answering(FakeCluster):
    """Answers each dry run with the next of these: None lets the object in, and the last one stays."""

    def __init__(self, *answers):
        super().__init__()
        self.answers = list(answers)
        self.asked = 0

    def dry_run(self, wanted):
        self.asked += 1
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if answer is not None:
            raise answer
        return wanted


def test_waits_until_it_is_refused_with_the_words():
    cluster = Answering(None, KindlabError("no service account yet"), KindlabError("the claim is closed to it"))
    paused = []
    wait_refused(cluster, POD, "is closed", 60, paused.append)
    assert (cluster.asked, paused, cluster.writes) == (3, [PAUSE, PAUSE], [])


@pytest.mark.parametrize(
    ("answer", "said"), [(None, "it would be created"), (KindlabError("no service account"), "no service account")]
)
def test_what_is_said_instead_is_told_in_the_end(answer, said):
    with pytest.raises(TimedOut, match=f"a Pod in ns is not refused because it is closed: {said}"):
        wait_refused(Answering(answer), POD, "is closed", 0, lambda _seconds: None)


def test_a_silent_server_is_not_waited_for():
    cluster = Answering(Unreachable("The API server does not answer"))
    with pytest.raises(Unreachable):
        wait_refused(cluster, POD, "is closed", 60, lambda _seconds: None)
    assert cluster.asked == 1
