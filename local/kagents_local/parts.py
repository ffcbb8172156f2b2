"""Parts of the engine that run side by side: a crash of one is logged, shown, and followed by a restart."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, Final, Literal

log = logging.getLogger(__name__)

FIRST_WAIT: Final = 0.5
LONGEST_WAIT: Final = 30.0
HEALTHY_AFTER: Final = 60.0
"""A part that ran for so many seconds starts over with the shortest wait."""


@dataclass(slots=True)
class PartState:
    """How a part is: for ``kagents local status``."""

    state: Literal["running", "restarting"] = "running"
    restarts: int = 0
    last_error: str | None = None


class Parts:
    """Runs the parts of the engine; ``changed`` is called whenever one crashes or comes back."""

    def __init__(self, changed: Callable[[], None]) -> None:
        self._states: dict[str, PartState] = {}
        self._changed = changed

    def as_json(self) -> dict[str, Any]:
        return {
            name: {"state": state.state, "restarts": state.restarts, "lastError": state.last_error}
            for name, state in self._states.items()
        }

    async def keep(self, name: str, run: Callable[[], Awaitable[None]]) -> None:
        """Run a part until cancelled; whenever it ends by itself it is started again after a growing wait."""
        state = self._states[name] = PartState()
        wait = FIRST_WAIT
        loop = asyncio.get_running_loop()
        while True:
            began = loop.time()
            try:
                await run()
                reason = "it ended by itself"
            except Exception as error:
                log.exception("%s crashed", name)
                reason = _sentence(error)
            wait = FIRST_WAIT if loop.time() - began >= HEALTHY_AFTER else wait
            state.state, state.last_error = "restarting", reason
            state.restarts += 1
            self._changed()
            await asyncio.sleep(wait)
            wait = min(wait * 2, LONGEST_WAIT)
            state.state = "running"
            self._changed()


def _sentence(error: BaseException) -> str:
    while isinstance(error, BaseExceptionGroup) and error.exceptions:
        error = error.exceptions[0]
    return f"{type(error).__name__}: {error}"[:500]
