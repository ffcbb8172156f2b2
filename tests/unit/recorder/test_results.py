"""Reports in the status: the last value of a key, in a steady order, cut and cleaned."""

from typing import Any, Protocol

from kagents_core.resultnames import MOST_KEYS
from kagents_runner.record.reports import KEYS_SHOWN, learn_report, shown_results


class World(Protocol):
    """See conftest.py."""

    def __getattr__(self, name: str) -> Any: ...


async def test_reports_are_in_the_status_and_outlive_a_restart(world: World) -> None:
    told = [("coverage", "90%"), ("commit", "3f2c1a"), ("coverage", "93%")]
    values = {"commit": "3f2c1a", "coverage": "93%"}
    async with world.recording():
        for number, (key, value) in enumerate(told, 1):
            world.request("scout", "report", key=key, value=value)
            await world.until(lambda wanted=number: len(world.journal("request")) == wanted)
        [shown] = world.recorder.status()["results"]
        assert shown == {"agent": "scout", "values": values}
        assert list(shown["values"]) == list(values)
    async with world.recording():
        await world.until(lambda: world.recorder.status().get("results") == [shown])


def test_what_the_status_shows_is_limited() -> None:
    results: dict[str, dict[str, str]] = {}
    for number in range(2 * MOST_KEYS):
        learn_report(results, {"agent": "a", "key": f"k{number}", "value": "v" * 9999})
    learn_report(results, {"agent": "a", "key": "k0", "value": "\x1b[2Jnew"})
    for odd in ({"key": "a b", "value": "v"}, {"key": "k"}, {"key": "k", "value": 1}):
        learn_report(results, {"agent": "b", **odd})
    [shown] = shown_results(["a", "b"], results)
    assert len(results["a"]) == MOST_KEYS
    assert len(shown["values"]) == KEYS_SHOWN
    assert shown["values"]["k0"] == "␛[2Jnew"
    assert all(len(value) <= 256 for value in shown["values"].values())
