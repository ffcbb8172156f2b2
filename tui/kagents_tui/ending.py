"""Runs the application and ends the process at once after it, whatever still hangs.

What may hang is a name that does not resolve, a credential program, a server that does not close its stream.
"""

import asyncio
import os
import sys
import threading
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from kagents_tui.app import KagentsApp

GRACE_SECONDS: Final = 0.5
"""How long what is open may take to close once the person has quit."""


def run(app: "KagentsApp", *, mouse: bool) -> int:
    """Runs the application; returns its exit code, or ends the process itself when a thread would hold it."""
    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    try:
        app.run(mouse=mouse, loop=loop)
        close_tasks(loop)
    finally:
        asyncio.set_event_loop(None)
    code = app.return_code or 0
    if any(thread is not threading.main_thread() and not thread.daemon for thread in threading.enumerate()):
        # Python would wait for them, without end. The terminal is given back already and nothing is unsaved.
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)
    loop.close()
    return code


def close_tasks(loop: asyncio.AbstractEventLoop) -> None:
    """Cancels what still runs, and waits a moment for it."""
    tasks = asyncio.all_tasks(loop)
    for task in tasks:
        task.cancel()
    if tasks:
        loop.run_until_complete(asyncio.wait(tasks, timeout=GRACE_SECONDS))
    loop.run_until_complete(loop.shutdown_asyncgens())
