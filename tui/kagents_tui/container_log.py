"""The log of an agent's container as harmless lines with their times."""

import codecs
from collections.abc import AsyncIterator
from contextlib import aclosing
from typing import TYPE_CHECKING, Final

from kagents_core.safetext import clean
from kagents_tui.rows.agentlog import LogLine
from kagents_tui.rows.fields import line, moment

if TYPE_CHECKING:
    from kagents_core.kube.client import Client

FIRST_LINES: Final = 10_000
LONGEST_LINE: Final = 16_384


class LogStream:
    """One container's log, followed to its end."""

    def __init__(self, client: "Client", namespace: str, pod: str, *, previous: bool = False) -> None:
        self._client = client
        self._namespace = namespace
        self._pod = pod
        self._previous = previous

    async def batches(self) -> AsyncIterator[list[LogLine]]:
        """Lines as they come. Raises ApiError."""
        decoder = codecs.getincrementaldecoder("utf-8")("replace")
        rest = ""
        chunks = self._client.logs(
            self._namespace,
            self._pod,
            container="agent",
            follow=not self._previous,
            tail=FIRST_LINES,
            timestamps=True,
            previous=self._previous,
        )
        async with aclosing(chunks):
            async for chunk in chunks:
                *whole, rest = (rest + decoder.decode(chunk)).split("\n")
                if len(rest) > LONGEST_LINE:
                    whole, rest = [*whole, rest], ""
                yield [_line(each.rstrip("\r")) for each in whole]
        if rest:
            yield [_line(rest)]


def _line(text: str) -> LogLine:
    """A line with the server's time in front: RFC 3339, with up to nine digits behind the second."""
    stamp, space, words = text.partition(" ")
    at = (
        moment(f"{stamp[:26].rstrip('Z')}Z")
        if space and stamp[:4].isdigit() and stamp.endswith("Z")
        else None
    )
    shown = words if at else text
    return LogLine(at, line(""), clean(shown.expandtabs(4), limit=8192, multiline=False))
