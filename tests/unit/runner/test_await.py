"""``await``: an agent's pod waits for the team to be prepared, and not for ever."""

from collections.abc import Callable
from subprocess import Popen

import pytest
from runner_places import LIMIT, Place


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
        "The team was not prepared within 0.2 seconds; the hub pod's prepare container says why."
    )


@pytest.mark.parametrize("limit", ["soon", "-1", "0", "nan"])
def test_a_limit_that_is_none_is_refused(place: Place, limit: str) -> None:
    place.variables["KAGENTS_AWAIT_TIMEOUT"] = limit
    ran = place.run("await")
    assert ran.code == 64
    assert "KAGENTS_AWAIT_TIMEOUT must be a number of seconds" in ran.sentence
