"""The hub pod of a team: finding it, and running ``kagents-runner`` verbs in its recorder container."""

import asyncio
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from kagents_core.api.constants import HUB, LABEL_ROLE, LABEL_TEAM
from kagents_core.api.resources import PODS
from kagents_core.safetext import clean
from kagents_tui.acts import ActError

if TYPE_CHECKING:
    from kagents_core.kube.client import Client
    from kagents_core.kube.exec import ExecStream

RECORDER: Final = "recorder"
PROGRAM: Final = "kagents-runner"
MAX_MESSAGE_BYTES: Final = 256 * 1024
SEND_SECONDS: Final = 30.0
_ANSWER_BYTES: Final = 64 * 1024
_SIGNALLED: Final = 128
"""Exit codes above it tell of a signal: the container ended under the command."""


async def hub_pod(client: "Client", team: Mapping[str, Any]) -> dict[str, Any] | None:
    """The team's hub, the newest if there were several, or None while it has none."""
    pods = await hub_pods(client, team)
    return pods[-1] if pods else None


async def hub_pods(client: "Client", team: Mapping[str, Any], role: str = HUB) -> list[dict[str, Any]]:
    """Every hub (or pod of another role) that the team has had and that is still known, the newest last."""
    metadata = team["metadata"]
    labels = f"{LABEL_TEAM}={metadata['name']},{LABEL_ROLE}={role}"
    pods = (await client.list(PODS, metadata["namespace"], labels=labels)).items
    own = [pod for pod in pods if _owned_by(pod, metadata["uid"])]
    own.sort(key=lambda pod: str(pod["metadata"].get("creationTimestamp", "")))
    return own


def _owned_by(pod: Mapping[str, Any], uid: str) -> bool:
    owners = pod["metadata"].get("ownerReferences") or []
    return any(owner.get("uid") == uid for owner in owners)


def recorder_restarts(pod: Mapping[str, Any]) -> int:
    """How often the recorder container of a hub was started again."""
    statuses = (pod.get("status") or {}).get("containerStatuses") or ()
    return sum(int(each.get("restartCount") or 0) for each in statuses if each.get("name") == RECORDER)


def recorder_state(pod: Mapping[str, Any]) -> str:
    """``waiting``, ``running`` or ``ended``: what the recorder container of a hub does."""
    status = pod.get("status") or {}
    if status.get("phase") in ("Succeeded", "Failed"):
        return "ended"
    for container in status.get("containerStatuses") or ():
        if container.get("name") == RECORDER and "running" in (container.get("state") or {}):
            return "running"
    return "waiting"


async def running_hub(client: "Client", team: Mapping[str, Any], otherwise: str) -> dict[str, Any]:
    """The team's hub, whose recorder runs. Raises ActError that says what cannot be done ``otherwise``."""
    pod = await hub_pod(client, team)
    if pod is None or recorder_state(pod) != "running":
        raise ActError(f"the hub of {team['metadata']['name']} does not run, so {otherwise}")
    return pod


async def send_through_hub(
    client: "Client", team: Mapping[str, Any], *, to: str, text: str, summary: str | None
) -> str:
    """Run ``kagents-runner send`` in the hub with the text as its input; returns the message's id."""
    data = text.encode("utf-8", errors="replace")
    if not text.strip():
        raise ActError("an empty message is not sent")
    if len(data) > MAX_MESSAGE_BYTES:
        raise ActError(
            f"a message has at most {MAX_MESSAGE_BYTES // 1024} KiB; this one has {len(data)} bytes"
        )
    hub = await running_hub(client, team, "nobody can take the message now")
    command = [PROGRAM, "send", "--to", to]
    if summary:
        command.append(f"--summary={summary}")  # in one word: it may begin with a dash
    giving = Giving("the message", "the mail", SEND_SECONDS)
    said = await hand_over(client, hub, command, data, giving)
    try:
        return str(json.loads(said)["id"])
    except (ValueError, KeyError, TypeError):
        raise ActError(
            "the hub did not say which message it took; look at the mail before trying again"
        ) from None


@dataclass(frozen=True, slots=True)
class Giving:
    """What is given to a hub, where to look whether it took it, and how long that may take."""

    what: str
    look: str
    seconds: float


async def hand_over(
    client: "Client", hub: Mapping[str, Any], command: list[str], data: bytes, giving: Giving
) -> bytes:
    """Gives the hub something, once, as the input of a verb; returns the verb's output, which is bounded.

    Raises ActError: with the hub's own sentence when it refused, and with where to look when nobody knows
    whether it took it, as when it ended meanwhile.
    """
    from kagents_core.kube.errors import Unreachable

    outputs, metadata = {1: bytearray(), 2: bytearray()}, hub["metadata"]
    what, again = giving.what, f"look at {giving.look} before trying again"
    unknown = ActError(f"the hub broke off: whether it took {what} is not known; {again}")
    try:
        async with asyncio.timeout(giving.seconds):
            stream = await client.exec(
                metadata["namespace"], metadata["name"], command, container=RECORDER, stdin=True
            )
            async with stream:
                try:
                    await _exchange(stream, data, outputs)
                except Unreachable:
                    raise unknown from None
    except TimeoutError:
        raise ActError(f"the hub did not confirm {what} within {giving.seconds:.0f} s; {again}") from None
    if stream.exit_code is None or stream.exit_code > _SIGNALLED:
        raise unknown
    if stream.exit_code != 0:
        why = _last_line(outputs[2]).rstrip(".")
        raise ActError(why or f"the hub refused {what} (exit code {stream.exit_code})")
    return bytes(outputs[1])


async def _exchange(stream: "ExecStream", data: bytes, outputs: Mapping[int, bytearray]) -> None:
    await stream.send(data)
    await stream.close_stdin()
    async for channel, part in stream:
        room = _ANSWER_BYTES - len(outputs[channel])
        outputs[channel].extend(part[: max(0, room)])


def _last_line(data: bytes | bytearray) -> str:
    lines = data.decode(errors="replace").strip().splitlines()
    return clean(lines[-1], limit=500, multiline=False) if lines else ""
