"""What the hooks say about a running session: that it began, that a turn failed, that it hangs."""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from kagents_core.teamfiles.events import read_events
from kagents_core.teamfiles.layout import TeamLayout
from kagents_runner.harness.protocol import EXIT_FAILED, EXIT_NEEDS_A_PERSON

START_SECONDS = 90.0
"""How long a session may take to begin; beyond it, a dialog blocks it."""

WAKE_AFTER = (30.0, 60.0, 120.0, 240.0, 480.0, 900.0)
"""Seconds after a failed turn, then after the next one in a row, until the agent is asked to go on:
the CLI does not try again by itself. Beyond the last, the agent ends, except that a rate limit is
waited out.
"""

_PERSON_MUST_ACT = {"authentication_failed", "billing_error"}
_WAITED_OUT = {"rate_limit"}


@dataclass(frozen=True, slots=True)
class Verdict:
    """Why the session must be ended, and how the pod shall end then."""

    code: int
    sentence: str | None
    shows_screen: bool = False


class SessionWatch:
    """Follows the hook payloads of one session from the moment it is made."""

    def __init__(
        self,
        layout: TeamLayout,
        agent: str,
        *,
        wake_after: Sequence[float] = WAKE_AFTER,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._layout = layout
        self._agent = agent
        self._clock = clock
        self._made = clock()
        self._failed_at: float | None = None
        self._kind = ""
        self._wake_after = wake_after
        self._failures = 0
        self._woken = False
        self._offset = _size(layout.events(agent))
        self.begun = False
        self.transcript: Path | None = None
        self.failure: str | None = None
        """The CLI's words about the last turn, if that failed."""

    def poll(self) -> list[Mapping[str, Any]]:
        """The payloads since the last call. A file that cannot be read has none."""
        try:
            events = read_events(self._layout, self._agent, self._offset)
        except OSError:
            return []
        self._offset = events.offset
        for payload in events.payloads:
            self._take(payload)
        return list(events.payloads)

    def verdict(self) -> Verdict | None:
        """Whether the session must be ended now."""
        now = self._clock()
        if not self.begun:
            if now - self._made < START_SECONDS:
                return None
            sentence = f"claude did not begin its session within {START_SECONDS:.0f} s."
            return Verdict(EXIT_FAILED, sentence, shows_screen=True)
        if self._failed_at is None:
            return None
        if self._kind in _PERSON_MUST_ACT:
            return Verdict(EXIT_NEEDS_A_PERSON, f"The model refused: {self.failure}")
        if self._failures > len(self._wake_after) and self._kind not in _WAITED_OUT:
            return Verdict(EXIT_FAILED, f"The model could not be used: {self.failure}")
        return None

    @property
    def must_be_woken(self) -> bool:
        """Whether the last turn failed long enough ago; until ``woken`` is called or another turn fails."""
        if self._failed_at is None or self._woken:
            return False
        pause = self._wake_after[min(self._failures, len(self._wake_after)) - 1]
        return self._clock() - self._failed_at >= pause

    def woken(self) -> None:
        """The agent was asked to go on."""
        self._woken = True

    def _take(self, payload: Mapping[str, Any]) -> None:
        name = payload.get("hook_event_name")
        if name == "SessionStart":
            self.begun = True
            path = payload.get("transcript_path")
            self.transcript = Path(path) if isinstance(path, str) and path else None
        if name == "StopFailure":
            self._failed_at, self._woken = self._clock(), False
            self._failures += 1
            self._kind = str(payload.get("error") or "")
            self.failure = str(payload.get("last_assistant_message") or self._kind or "unknown error")
        elif name in ("Stop", "PostToolUse"):
            self._failed_at, self._failures, self.failure = None, 0, None


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        return 0
