"""Artifacts in journal and status: once each, only what is declared, cleaned of what a terminal obeys."""

import json
from typing import Any, Protocol

import pytest

DIGEST = "0" * 64
WHOLE = {"name": "report", "path": "a/report.md", "folder": False, "files": 1, "size": 9, "sha256": DIGEST}


class World(Protocol):
    """See conftest.py."""

    def __getattr__(self, name: str) -> Any: ...


@pytest.fixture
def maker(world: World) -> World:
    """``scout`` declares two artifacts."""
    scout = next(each for each in world.document["agents"] if each["name"] == "scout")
    scout["artifacts"] = ["report", "site"]
    return world


def leave(world: World, *found: dict[str, Any]) -> None:
    record = world.root / "artifacts/scout/collected.json"
    record.parent.mkdir(parents=True, exist_ok=True)
    record.write_text(json.dumps({"artifacts": found}))


def shown(world: World) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = world.recorder.status().get("artifacts", [])
    return found


async def test_what_was_made_is_told_when_its_maker_has_ended_and_outlives_a_restart(maker: World) -> None:
    missing = {"name": "site", "path": "site", "problem": "it is not there"}
    async with recording(maker):
        leave(maker, WHOLE, missing)
        maker.supervise("scout", "running")
        await maker.until(lambda: maker.journal("activity"))
        assert shown(maker) == []
        maker.supervise("scout", "ended")
        await maker.until(lambda: len(shown(maker)) == 2)
        first, second = shown(maker)
        assert first == {"agent": "scout", **WHOLE, "at": first["at"]}
        assert second == {"agent": "scout", **missing, "at": second["at"]}
        told = shown(maker)
    async with recording(maker):
        await maker.until(lambda: shown(maker) == told)
    assert len(maker.journal("artifact")) == 2


async def test_what_is_made_anew_replaces_what_was_told(maker: World) -> None:
    async with recording(maker):
        leave(maker, WHOLE)
        maker.supervise("scout", "ended")
        await maker.until(lambda: len(shown(maker)) == 1)
        leave(maker, WHOLE | {"sha256": "1" * 64})
        maker.supervise("scout", "ended", attempt=1)
        await maker.until(lambda: [each["sha256"] for each in shown(maker)] == ["1" * 64])


async def test_only_what_is_declared_is_told_and_only_harmless_text(maker: World) -> None:
    async with recording(maker):
        odd = {"name": "site", "path": "a\x1b[2Jb", "problem": "x\u202ey\n" * 900}
        leave(maker, WHOLE | {"name": "other"}, odd)
        maker.supervise("scout", "ended")
        [told] = await maker.until(lambda: shown(maker))
        assert told["name"] == "site"
        assert "\x1b" not in told["path"]
        assert "\u202e" not in told["problem"]
        assert "\n" not in told["problem"]
        assert len(told["problem"]) <= 400


def recording(world: World) -> Any:
    return world.recording(artifacts=world.root / "artifacts")
