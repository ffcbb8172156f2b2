"""A team's journal as it happens: ``kagents-runner tail`` in its hub, or the hub's log after its end."""

import asyncio
import time
from collections.abc import AsyncGenerator, AsyncIterable, AsyncIterator, Mapping, Sequence
from contextlib import aclosing
from typing import TYPE_CHECKING, Any, Final

import orjson

from kagents_core.kube.errors import ApiError, Invalid, NotFound, Unreachable
from kagents_core.safetext import clean
from kagents_tui.hub import PROGRAM, RECORDER, hub_pod, hub_pods, recorder_restarts, recorder_state

if TYPE_CHECKING:
    from kagents_core.kube.client import Client

MAX_LINE: Final = 4 * 1024 * 1024
WAIT_FOR_HUB_SECONDS: Final = 120.0
_LOOK_SECONDS: Final = 0.5
_ENDING_SECONDS: Final = 3.0
"""How long the pod's status may lag behind the end of its recorder."""


class NoJournalError(Exception):
    """There is no journal to read now; the text is one plain sentence."""


async def stream(
    client: "Client",
    team: Mapping[str, Any],
    *,
    after: int = 0,
    follow: bool = True,
    kinds: Sequence[str] = (),
    patience: float = WAIT_FOR_HUB_SECONDS,
) -> AsyncGenerator[dict[str, Any]]:
    """Journal entries with ``seq > after`` (docs/internals.md, section 3), each once and in order.

    With ``kinds`` the hub gives those alone; a log has all of them nevertheless. With ``follow`` it waits, at
    most ``patience`` seconds, for a hub that is about to start, gives ``{"kind": "live"}`` once it has caught
    up, and ends when the recorder has ended; what the live stream missed then comes from the recorder's log.
    A log that no longer reaches back is announced by ``{"kind": "gap", "after": …, "seq": …}``. Raises
    NoJournalError when the team has no hub, ApiError when the stream broke: call again with the last number.
    """
    pod = await _ready_hub(client, team, patience if follow else 0.0)
    last = after
    if recorder_state(pod) == "running":
        try:
            async with aclosing(_tail(client, pod, last, kinds, follow=follow)) as entries:
                async for entry in entries:
                    last = _number(entry, last)
                    yield entry
        except ApiError:
            if not await _has_ended(client, team, pod):
                raise
        else:
            if not follow:
                return
            if not await _has_ended(client, team, pod):
                raise Unreachable("the journal's stream ended before its team did")
    async with aclosing(_from_logs(client, team, last)) as entries:
        async for entry in entries:
            last = _number(entry, last)
            yield entry
    yield {"kind": "live", "seq": last}


def _number(entry: Mapping[str, Any], last: int) -> int:
    sequence = entry.get("seq")
    return max(last, sequence) if isinstance(sequence, int) else last


async def _ready_hub(client: "Client", team: Mapping[str, Any], patience: float) -> dict[str, Any]:
    """The hub once its recorder runs or has ended. Raises NoJournalError when that does not come about."""
    name = team["metadata"]["name"]
    deadline = time.monotonic() + patience
    while True:
        pod = await hub_pod(client, team)
        if pod is not None and recorder_state(pod) != "waiting":
            return pod
        if time.monotonic() >= deadline:
            state = "has no hub" if pod is None else "has a hub that is not ready"
            raise NoJournalError(f"{name} {state}, so there is no journal to read now")
        await asyncio.sleep(_LOOK_SECONDS)


async def _has_ended(client: "Client", team: Mapping[str, Any], pod: Mapping[str, Any]) -> bool:
    """Whether this hub has ended for good; waits a little, since its status comes after the fact."""
    deadline = time.monotonic() + _ENDING_SECONDS
    while time.monotonic() < deadline:
        try:
            now = await hub_pod(client, team)
        except ApiError:
            return False
        if now is None or now["metadata"]["uid"] != pod["metadata"]["uid"]:
            return False
        if recorder_state(now) == "ended":
            return True
        if recorder_state(now) == "running" and recorder_restarts(now) != recorder_restarts(pod):
            return False
        await asyncio.sleep(_LOOK_SECONDS)
    return False


async def _tail(
    client: "Client", pod: Mapping[str, Any], after: int, kinds: Sequence[str], *, follow: bool
) -> AsyncGenerator[dict[str, Any]]:
    command = [PROGRAM, "tail", "--after", str(after), *(["--follow"] if follow else [])]
    for kind in kinds:
        command += ["--kind", kind]
    metadata = pod["metadata"]
    complaint = bytearray()
    session = await client.exec(metadata["namespace"], metadata["name"], command, container=RECORDER)
    async with session:

        async def output() -> AsyncIterator[bytes]:
            async for channel, data in session:
                if channel == 1:
                    yield data
                elif len(complaint) < 4096:
                    complaint.extend(data)

        async with aclosing(lines(output())) as whole:
            async for line in whole:
                entry = parse(line)
                if entry is not None:
                    yield entry
    if session.exit_code:
        said = clean(complaint.decode(errors="replace").strip()[-300:], multiline=False)
        raise Unreachable(f"the journal's stream ended: {said or f'exit code {session.exit_code}'}")


async def _from_logs(client: "Client", team: Mapping[str, Any], after: int) -> AsyncGenerator[dict[str, Any]]:
    """Entries with a higher number from the recorder's logs: after a restart it goes on in a new one."""
    last = after
    for pod in await hub_pods(client, team):
        for previous in (True, False):
            if previous and recorder_restarts(pod) == 0:
                continue
            try:
                async with aclosing(_from_log(client, pod, last, previous=previous)) as entries:
                    async for entry in entries:
                        if entry["seq"] > last + 1:
                            yield {"kind": "gap", "after": last, "seq": entry["seq"] - 1}
                        last = entry["seq"]
                        yield entry
            except (NotFound, Invalid):
                continue  # this log is gone; the gap shows when a later one begins


async def _from_log(
    client: "Client", pod: Mapping[str, Any], after: int, *, previous: bool
) -> AsyncGenerator[dict[str, Any]]:
    metadata = pod["metadata"]
    last = after
    chunks = client.logs(metadata["namespace"], metadata["name"], container=RECORDER, previous=previous)
    async with aclosing(chunks), aclosing(lines(chunks)) as whole:
        async for line in whole:
            entry = parse(line)
            sequence = entry.get("seq") if entry else None
            if (
                entry is not None
                and isinstance(sequence, int)
                and sequence > last
                and entry["kind"] != "live"
            ):
                last = sequence
                yield entry


async def lines(chunks: AsyncIterable[bytes]) -> AsyncGenerator[bytes]:
    """Whole lines of a stream of chunks; one that is longer than 4 MiB is left out."""
    kept = bytearray()
    skipping = False
    async for chunk in chunks:
        *whole, rest = chunk.split(b"\n")
        for part in whole:
            if not skipping and len(kept) + len(part) <= MAX_LINE:
                yield bytes(kept) + part
            kept.clear()
            skipping = False
        if skipping or len(kept) + len(rest) > MAX_LINE:
            kept.clear()
            skipping = True
        else:
            kept += rest
    if kept and not skipping:
        yield bytes(kept)


def parse(line: bytes) -> dict[str, Any] | None:
    """The entry on a line, or None for anything else: the recorder's log may hold other lines too."""
    if not line.startswith(b"{"):
        return None
    try:
        entry = orjson.loads(line)
    except orjson.JSONDecodeError:
        return None
    return entry if isinstance(entry, dict) and isinstance(entry.get("kind"), str) else None
