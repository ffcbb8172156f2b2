"""Waiting for the first list of a kind, also of one that an older chart has not installed."""

import asyncio
import logging
from typing import Any

from kagents_core.api.resources import AGENT_BUDGETS, AGENT_USAGES
from kagents_core.kube.errors import Forbidden, NotFound
from kagents_core.kube.reflector import Reflector

_log = logging.getLogger(__name__)

_ABSENT_SECONDS = 5.0
"""How long a first list may fail before it is asked whether its kind is there at all."""

_LATER_KINDS = (AGENT_BUDGETS, AGENT_USAGES)
"""Kinds that came after the first release: teams run without them."""


async def filled(reflector: Reflector[Any]) -> None:
    """Wait until the list is there, or it is known that this server does not have the kind."""
    while not reflector.synced.is_set():
        try:
            async with asyncio.timeout(_ABSENT_SECONDS):
                await reflector.synced.wait()
        except TimeoutError:
            absent = isinstance(reflector.state.cause, NotFound | Forbidden)
            if absent and reflector.resource in _LATER_KINDS:
                _log.warning("works without this kind", extra={"kind": reflector.resource.kind})
                return
