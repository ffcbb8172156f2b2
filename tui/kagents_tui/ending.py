"""Runs the application and ends the process at once after it, whatever still hangs.

What may hang is a name that does not resolve, a credential program, a server that does not close its stream.
A terminal that goes away ends it too: usually by a signal, which a session of its own does not get.
"""

import asyncio
import gc
import os
import select
import sys
import threading
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from kagents_tui.app import KagentsApp

GRACE_SECONDS: Final = 0.5
"""How long what is open may take to close once the person has quit."""

COLLECT_SECONDS: Final = 30.0
"""How long the start may put the collection of garbage off; the first lists usually end that sooner."""

LOOK_SECONDS: Final = 1.0
HUNG_UP: Final = 129
"""As if SIGHUP had come."""


def run(app: "KagentsApp", *, mouse: bool) -> int:
    """Runs the application; returns its exit code, or ends the process itself when a thread would hold it."""
    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    loop.call_later(COLLECT_SECONDS, gc.enable)
    watching = loop.create_task(end_with_the_terminal(0)) if os.isatty(0) else None
    try:
        app.run(mouse=mouse, loop=loop)
        close_tasks(loop)
    finally:
        if watching is not None:
            watching.cancel()
        asyncio.set_event_loop(None)
    if app.crash:
        sys.stderr.write(app.crash + "\n")
    code = app.return_code or 0
    if any(thread is not threading.main_thread() and not thread.daemon for thread in threading.enumerate()):
        # Python would wait for them, without end. The terminal is given back already and nothing is unsaved.
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)
    loop.close()
    return code


async def end_with_the_terminal(terminal: int) -> None:
    """Ends the process when nobody holds the other end any more: nothing could be read or shown."""
    poller = select.poll()
    poller.register(terminal, 0)  # hanging up is told without being asked for
    while not poller.poll(0):  # noqa: ASYNC110 - only the system knows of it
        await asyncio.sleep(LOOK_SECONDS)
    os._exit(HUNG_UP)


def close_tasks(loop: asyncio.AbstractEventLoop) -> None:
    """Cancels what still runs, and waits a moment for it."""
    tasks = asyncio.all_tasks(loop)
    for task in tasks:
        task.cancel()
    if tasks:
        loop.run_until_complete(asyncio.wait(tasks, timeout=GRACE_SECONDS))
    loop.run_until_complete(loop.shutdown_asyncgens())
