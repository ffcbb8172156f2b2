"""What a simulated agent tells kagents natively, by no tool: that it rests, that it ends."""

from typing import Any

from kagents_core.teamfiles.nativejson import timestamp


def idle(agent: str, said: str) -> dict[str, Any]:
    """Its turn has ended."""
    return {
        "type": "idle_notification",
        "from": agent,
        "timestamp": timestamp(),
        "idleReason": "available",
        "result": said,
    }


def approved(agent: str, request: str) -> dict[str, Any]:
    """It ends, as it was asked to."""
    return {
        "type": "shutdown_approved",
        "requestId": request,
        "from": agent,
        "timestamp": timestamp(),
        "paneId": "simulated",
        "backendType": "simulated",
    }
