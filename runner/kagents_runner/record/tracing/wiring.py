"""Whether a trace is told, and where: from the environment of the hub."""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Final

from kagents_runner.documents import TeamDocument
from kagents_runner.output import say
from kagents_runner.record.tracing.spans import trace_id
from kagents_runner.record.tracing.story import Story

FLUSH_SECONDS: Final = 5.0


class Tracing:
    """A story, and what became of its spans. Nothing that goes wrong with it reaches the recording."""

    def __init__(self, story: Story | None = None, outcomes: Mapping[str, int] | None = None) -> None:
        """Without a story nothing is told."""
        self._story = story
        self.outcomes: Mapping[str, int] = {} if outcomes is None else outcomes

    def tell(self, what: Callable[[Story], None]) -> None:
        """Let the story know of something."""
        if self._story is not None:
            try:
                what(self._story)
            except Exception as error:
                self._story = None
                say(f"the trace of this team ends here: {type(error).__name__}: {error}", "error")

    @property
    def next_due(self) -> float | None:
        """When the story's ``due`` should be called next."""
        return None if self._story is None else self._story.next_due

    def state(self) -> dict[str, Any] | None:
        """What ``Story.load`` takes over."""
        return None if self._story is None else self._story.state()


@asynccontextmanager
async def tracing(team: TeamDocument, environment: Mapping[str, str]) -> AsyncIterator[Tracing]:
    """A story whose spans are sent meanwhile, if the environment says where."""
    endpoint = environment.get("KAGENTS_TRACING_ENDPOINT")
    folder = environment.get("KAGENTS_TRACING_HEADERS_DIR")
    if not endpoint:
        yield Tracing()
        return
    from kagents_runner.record.tracing.sender import Sender  # protobuf is not for teams without a trace

    resource = {
        "service.name": "kagents",
        "service.instance.id": team.uid,
        "k8s.namespace.name": team.namespace,
        "kagents.team": team.name,
    }
    headers = Path(folder) if folder else None
    if headers is not None and not any(each.is_file() for each in _listed(headers)):
        say("the Secret with the headers of traces has no keys, or is not there", "warn")
    sender = Sender(endpoint, trace_id(team.uid), resource, headers)
    sending = asyncio.create_task(sender.run())
    try:
        yield Tracing(Story(team, sender.put), sender.outcomes)
    finally:
        await sender.flush(FLUSH_SECONDS)
        sending.cancel()
        await asyncio.gather(sending, return_exceptions=True)


def _listed(folder: Path) -> list[Path]:
    try:
        return list(folder.iterdir())
    except OSError:
        return []
