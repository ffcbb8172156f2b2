"""``await``: an agent's pod waits for the team to be prepared, and not for ever."""

from collections.abc import Callable
from subprocess import Popen

import pytest
from runner_places import LIMIT, Place

from kagents_runner.await_ import allowed_seconds
from kagents_runner.locations import Locations


def test_a_prepared_team_is_not_waited_for(place: Place) -> None:
    place.prepare()
    ran = place.run("await")
    assert ran.code == 0
    assert ran.out == "the team is prepared\n"


def test_it_ends_once_the_team_is_prepared(place: Place, running: Callable[[Popen[str]], Popen[str]]) -> None:
    process = running(place.start("await", "scout"))
    assert process.stdout is not None
    assert "waiting" in process.stdout.readline()
    place.prepare()
    assert process.wait(LIMIT) == 0


def test_it_waits_no_longer_than_its_limit(place: Place) -> None:
    place.variables["KAGENTS_AWAIT_TIMEOUT"] = "0.2"
    ran = place.run("await")
    assert ran.code == 1
    assert ran.sentence == (
        "The team was not prepared within 0.2 seconds; the hub pod's containers prepare and setup say why."
    )


@pytest.mark.parametrize("limit", ["soon", "-1", "0", "nan"])
def test_a_limit_that_is_none_is_refused(place: Place, limit: str) -> None:
    place.variables["KAGENTS_AWAIT_TIMEOUT"] = limit
    ran = place.run("await")
    assert ran.code == 64
    assert "KAGENTS_AWAIT_TIMEOUT must be a number of seconds" in ran.sentence


def test_a_clone_and_a_setup_command_are_waited_for(coding: Place) -> None:
    """An agent's pod that gives up is a failure of the agent, and it has only so many."""
    assert coding.repository is not None

    def limit(**fields: object) -> float:
        assert coding.repository is not None
        coding.repository |= fields
        places = Locations(coding.environment())
        return allowed_seconds(places, places.team())

    clone = limit()
    assert clone > 1800
    assert limit(setupCommand=["make"]) == clone + 2 * 1800
    assert limit(worktreeStrategy="shared") == clone + 1800
    coding.variables["KAGENTS_AWAIT_TIMEOUT"] = "5"
    assert limit() == 5
