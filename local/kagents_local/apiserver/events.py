"""Old events are forgotten, so that an engine that runs for months does not grow by them."""

from typing import Final

from kagents_local.apiserver.store import Store

EVENTS_LIMIT: Final = 20_000
"""About 40 MiB. A cluster forgets by age; here what happened to a team stays readable while there is room."""


def forget_old(store: Store) -> None:
    """Remove a twentieth of all events, those that were written longest ago, once there are too many."""
    if store.count("events") <= EVENTS_LIMIT:
        return
    oldest = sorted(store.list("events"), key=lambda entry: entry.version)
    for entry in oldest[: max(1, EVENTS_LIMIT // 20)]:
        store.remove(entry, entry.object())
