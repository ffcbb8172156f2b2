"""A person's word that a delivery which waits for them is to be tried again."""

from typing import TYPE_CHECKING

from kagents_core.api.constants import ANNOTATION_RETRY_FINISH
from kagents_core.api.resources import AGENT_TEAMS
from kagents_core.kube.errors import Conflict
from kagents_tui.acts import ATTEMPTS, ActError, read_now
from kagents_tui.delivery_states import Failure, failure_of, new_word, why_no_retry

if TYPE_CHECKING:
    from kagents_core.kube.client import Client


async def retry(
    client: "Client", namespace: str, name: str, *, uid: str | None = None, seen: Failure | None = None
) -> tuple[str, Failure]:
    """Lets a delivery that waits for a person be tried again; returns the word given, and what had failed.

    ``seen`` is what the person was shown: a delivery that has moved on since, or that somebody else has
    retried, is refused. (After an outcome that nobody knows, the word also says that no request was found.)
    """
    for _ in range(ATTEMPTS):
        team = await read_now(client, AGENT_TEAMS, namespace, name, uid)
        metadata, failure = team["metadata"], failure_of(team)
        if seen is not None and failure != seen:
            raise ActError(
                f"the delivery of {namespace}/{name} has moved on in the meantime; look at it again first"
            )
        why = why_no_retry(team)
        if why or failure is None:
            raise ActError(f"{namespace}/{name} {why}")
        uid, seen, word = metadata["uid"], failure, new_word()
        held = {"uid": uid, "resourceVersion": metadata["resourceVersion"]}
        patch = {"metadata": {**held, "annotations": {ANNOTATION_RETRY_FINISH: word}}}
        try:
            await client.patch_merge(AGENT_TEAMS, namespace, name, patch)
        except Conflict:
            continue
        return word, failure
    raise ActError(f"{namespace}/{name} keeps changing; nothing was done, try again")
