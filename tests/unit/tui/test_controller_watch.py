"""A controller that leaves teams waiting: noticed by the teams, explained by its Lease."""

from datetime import UTC, datetime, timedelta

import pytest

from kagents_core.api.validation import validate_team
from kagents_core.kube.errors import Forbidden
from kagents_core.kube.paging import ObjectList
from kagents_core.reconcile import refuse_team
from kagents_tui.controller_watch import PATIENCE, ControllerWatch, lease_words
from kagents_tui.rows.teams import project

NOW = datetime(2026, 11, 21, 14, 10, tzinfo=UTC)


def team(name="a", generation=1, **status):
    metadata = {"namespace": "dev", "name": name, "uid": f"uid-{name}", "generation": generation}
    return project({"metadata": metadata, "status": status})


class Clock:
    """Seconds, as a test wants them."""

    def __init__(self):
        self.now = 100.0

    def __call__(self):
        return self.now


@pytest.mark.parametrize(
    ("found", "unseen"),
    [
        (team(), True),
        (team(generation=2, phase="Running", observedGeneration=1), True),
        (team(generation=2, phase="Running", observedGeneration=2), False),
        (team(generation=2, phase="Completed", observedGeneration=1), False),
        (team(generation=2, phase="Running"), False),
    ],
)
def test_a_spec_waits_for_a_controller_or_not(found, unseen):
    assert found.unseen is unseen


def test_a_team_that_is_being_deleted_waits_for_nobody():
    metadata = {"uid": "u", "generation": 2, "deletionTimestamp": "2026-11-21T14:00:00Z"}
    assert not project({"metadata": metadata, "status": {"phase": "Running", "observedGeneration": 1}}).unseen


def test_only_what_waits_long_is_told_and_once_it_is_seen_no_more():
    clock = Clock()
    watch = ControllerWatch(clock)
    assert not watch.look([team("a"), team("b")])
    assert watch.banner() == []
    clock.now += PATIENCE
    assert watch.look([team("a"), team("b"), team("c")])
    assert watch.banner() == [
        "no controller seems to be at work: 2 teams wait for it; is kagents-controller running?"
    ]
    assert not watch.look([team("a")])
    assert "1 team waits" in watch.banner()[0]
    watch.look([team("a", phase="Running", observedGeneration=1)])
    assert watch.banner() == []


def test_a_new_spec_waits_anew_and_a_lost_connection_proves_nothing():
    clock = Clock()
    watch = ControllerWatch(clock)
    watch.look([team("a")])
    clock.now += PATIENCE
    assert not watch.look([team("a", generation=2)])
    clock.now += PATIENCE
    watch.forget()
    assert not watch.look([team("a", generation=2)])
    assert watch.banner() == []


def refused(created=NOW, field="later"):
    """A team that a controller refuses because of a field it does not know, as that controller writes it."""
    metadata = {"namespace": "dev", "name": "new", "uid": "uid-new", "creationTimestamp": created.isoformat()}
    body = {"apiVersion": "claude.amcheste.io/v1alpha1", "kind": "AgentTeam", "metadata": metadata}
    body["spec"] = {"harness": "simulated", "workspace": {}, "lead": {"prompt": "x", field: "y"}}
    reasons = [str(each) for each in validate_team(body)]
    return project(body | {"status": refuse_team(body, reasons, created).status})


def test_a_field_that_the_controller_does_not_know_says_that_it_is_older_than_the_definitions():
    watch = ControllerWatch()
    assert not watch.look([refused(), refused()], NOW)
    assert watch.banner() == [
        "the controller is older than the definitions: it does not know spec.lead.later; upgrade it"
    ]
    watch.look([refused(NOW - timedelta(hours=2))], NOW)
    assert watch.banner() == []
    watch.look([refused(field="model")], NOW)
    assert watch.banner() == []


class Leases:
    """A client with leases, or without the right to list them."""

    def __init__(self, *leases, forbidden=False):
        self.leases, self.forbidden = leases, forbidden

    async def list(self, resource, fields):
        assert (resource.plural, fields) == ("leases", "metadata.name=kagents")
        if self.forbidden:
            raise Forbidden(403, "Forbidden", "no")
        return ObjectList(list(self.leases), "1")


def lease(holder):
    renewed = (NOW - timedelta(minutes=3)).isoformat()
    return {"metadata": {"namespace": "kagents"}, "spec": {"holderIdentity": holder, "renewTime": renewed}}


@pytest.mark.parametrize(
    ("client", "words"),
    [
        (Leases(lease("pod-1")), "; pod-1 in kagents renewed its lease 3m ago"),
        (Leases(lease("")), "; in kagents nobody holds its lease"),
        (Leases(), ""),
        (Leases(forbidden=True), ""),
    ],
)
async def test_the_lease_says_more_where_it_may_be_read(client, words):
    assert await lease_words(client, NOW) == words
