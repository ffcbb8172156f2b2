"""Hostile text in every field of every object and journal: no view obeys it, and none fails."""

import importlib.util
import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from kagents_tui.actions.kinds import KINDS
from kagents_tui.sample.cluster import SampleConnector
from kagents_tui.sample.stage.stage import stage as demonstration

pytestmark = pytest.mark.long

NOW = datetime(2026, 11, 21, 14, 10, tzinfo=UTC)
HERE = Path(__file__).parent
CORPUS = json.loads((HERE.parent / "fixtures" / "hostile-text.json").read_text())
TEXT = "".join(CORPUS).encode("utf-8", "replace").decode()
OBEYED = {chr(code) for code in (*range(0x20), *range(0x7F, 0xA0))} - {"\n"}
TURNED = set("\u202e\u202c\u2066\u2069\u200b\u200d\ufeff\u00ad\u2028\u2029\U000e0041")
KEYS = [
    ("a team", ":mail auth-refactor", "2"),
    ("tasks of a team", ":tasks auth-refactor", ""),
    ("an agent", ":log auth-refactor", ""),
    ("transcript", ":transcript auth-refactor", ""),
    ("changes", ":diff auth-refactor", ""),
    ("description", ":describe auth-refactor", "G"),
    ("manifest", ":yaml auth-refactor", "G"),
    ("logs", ":logs auth-refactor", "G"),
    ("keys", ":help", ""),
    ("contexts", ":ctx", ""),
    ("namespaces", ":ns", ""),
    ("attention, looked at", ":attention", "space"),
    ("a gate", ":gates", "a"),
    ("a denied gate", ":gates", "r"),
    ("a killed team", ":teams", "ctrl+k"),
    ("a message", ":teams", "m"),
    ("palette", ":teams", "ctrl+p"),
]
VIEWS = [*((each.id, f":{each.command}", "") for each in KINDS), *KEYS]


def poison(*arguments):
    """That of the program for the pseudo-terminal."""
    spec = importlib.util.spec_from_file_location("pty_child", HERE / "pty_child.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.poison(*arguments)


@pytest.fixture
def hostile():
    """The demonstration, with the corpus behind every word of its objects and journals."""
    stage = demonstration(lambda: NOW)
    for plural in ("agentteams", "events", *stage.others):
        for each in stage.of_kind(plural):
            named = {
                key: each["metadata"][key]
                for key in ("name", "namespace", "labels")
                if key in each["metadata"]
            }
            kept = each.get("status", {}).get("phase")
            each |= poison({key: value for key, value in each.items() if key != "metadata"}, TEXT)
            each["metadata"] |= {"annotations": {"note": TEXT}} | named
            if kept:
                each["status"]["phase"] = kept
    for name, journal in stage.journals.items():
        stage.journals[name] = [poison(entry, TEXT) for entry in journal]
    stage.log += TEXT.encode()
    return SampleConnector(stage)


@pytest.mark.timeout(300)
async def test_no_view_obeys_anything(terminal, hostile):
    async with terminal(size=(120, 40), connector=hostile) as t:
        await t.shows("Teams[")
        poisoned = set()
        for name, command, key in VIEWS:
            await t.do(command)
            await t.until(lambda: not t.app.screen.query("#prompt"))
            if key:
                await t.press(key)
            shown = set(t.text())
            assert not shown & (OBEYED | TURNED), (name, shown & (OBEYED | TURNED))
            assert not t.app._exit, name
            if "\N{SYMBOL FOR ESCAPE}" in shown:
                poisoned.add(name)
            if key:
                await t.press("escape")
        assert len(poisoned) >= len(VIEWS) // 2, poisoned
