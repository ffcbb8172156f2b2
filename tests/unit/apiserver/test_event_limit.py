"""Events do not pile up for ever."""

from typing import Any

import pytest

from kagents_local.apiserver import events

EVENTS = "/api/v1/namespaces/default/events"


async def test_the_oldest_events_make_room(api: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(events, "EVENTS_LIMIT", 40)
    for number in range(45):
        body = {
            "apiVersion": "v1",
            "kind": "Event",
            "metadata": {"name": f"e{99 - number}", "namespace": "default"},
            "involvedObject": {"kind": "AgentTeam", "name": "demo"},
            "reason": "Running",
            "message": "m",
            "type": "Normal",
        }
        assert (await api.post(EVENTS, body)).status == 201
    names = {item["metadata"]["name"] for item in (await api.get(EVENTS)).body["items"]}
    assert len(names) <= 40
    assert {f"e{99 - number}" for number in range(10, 45)} <= names
    assert f"e{99}" not in names
    assert (await api.get(EVENTS, limit="5")).status == 200
