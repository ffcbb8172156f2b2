"""What an agent asks, answered by one key of the terminal: the native answer lies in its mailbox."""

import json
import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).parent))  # the modules that these tests share lie beside them

from piloted_terminal import terminal
from simulated_team import SPEED, Team, agent, until

from kagents_core.kube.client import Client

pytestmark = pytest.mark.long

ALLOWED = {"type": "permission_response", "subtype": "success", "response": {"permission_updates": []}}
REFUSED = {"type": "permission_response", "subtype": "error", "error": "not on a Friday"}


@pytest.fixture(autouse=True)
def fast(monkeypatch: pytest.MonkeyPatch) -> None:
    """Simulated agents hurry."""
    monkeypatch.setenv("KAGENTS_SIMULATION_SPEED", SPEED)


@contextmanager
def held(pid: int) -> Iterator[None]:
    """The agent stands still, so that what comes for it stays in its mailbox."""
    os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(pid, signal.SIGCONT)


def answers(team: Team, who: str) -> list[dict[str, Any]]:
    """The protocol messages of kagents in an agent's mailbox."""
    [inbox] = (team.volume / "team").glob(f"**/inboxes/{who}.json")
    entries = json.loads(inbox.read_text() or "[]")
    assert all(each["from"] == "team-lead" for each in entries)
    return [json.loads(each["text"]) for each in entries]


@pytest.mark.parametrize(
    ("keys", "said", "native", "after"),
    [
        ("a", "worker of asking: allowed", ALLOWED, "allowed"),
        ("r", "worker of asking: refused", REFUSED, "refused: not on a Friday"),
    ],
)
async def test_a_key_puts_the_native_answer_into_the_agents_mailbox(
    engine: Any, engine_client: Client, keys: str, said: str, native: dict[str, Any], after: str
) -> None:
    team = Team(engine_client, engine.data.root, "asking")
    await team.apply(agent("Work.", "ask_permission: make deploy", "shutdown: decided", name="worker"))
    async with terminal(engine.data.root) as t:
        await t.shows("asking", "1 needs you")
        await t.pilot.press("w")
        await t.shows("Attention[1]", "make deploy")
        await t.pilot.press("space")
        await t.shows("command: make deploy", "a allow")
        [asked] = team.journal("ask")
        with held(team.state("worker")["pid"]):
            if keys == "a":
                await t.press_until("a", said)
            else:
                await t.press_until("r", "[ Refuse ]")
                await t.pilot.press(*"not", "space", *"on", "space", "a", "space", *"Friday", "ctrl+s")
                await t.shows(said)

            async def there() -> list[dict[str, Any]]:
                return answers(team, "worker")

            [message] = await until(there)
        assert message == native | {"request_id": asked["id"]}
        await team.in_phase("Completed")
        await t.shows("nothing waits for anybody")
    [answered] = team.journal("answer")
    assert (answered["id"], answered["ask"], answered["agent"]) == (asked["id"], "permission", "worker")
    assert after in await team.log("worker")
