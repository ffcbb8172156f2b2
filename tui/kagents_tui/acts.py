"""What a person can do to a team: decide a gate, cancel, delete, suspend, resume, write to an agent.

Each act names the object by its UID, so that a team which was deleted and made again is never hit, and what
was decided on one spec is not done to a later one. Raises
ActError with one plain sentence when the act makes no sense, the client's own errors when the server refuses.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from kagents_core.api.constants import APPROVAL_PREFIX
from kagents_core.api.resources import AGENT_TEAMS, Resource
from kagents_core.kube.errors import Conflict, NotFound
from kagents_tui.delivery_states import ENDED
from kagents_tui.gate_states import Gate, gates_of

if TYPE_CHECKING:
    from kagents_core.kube.client import Client

ATTEMPTS: Final = 8
"""A team's status changes all the time; so often a decision is tried against the newest version."""

TERMINAL: Final = ENDED


class ActError(Exception):
    """An act that is refused; its text is one plain sentence."""


class NoSuchGateError(ActError):
    """The team declares no such gate, or none that waits."""


async def approve(
    client: "Client",
    namespace: str,
    name: str,
    *,
    event: str | None = None,
    uid: str | None = None,
    generation: int | None = None,
) -> str:
    """Let the team pass a gate; returns its event. Without ``event`` the one gate that waits is meant.

    ``generation`` is that of the spec which the person has read: a later one is refused.
    """
    return await _decide(client, namespace, name, event, uid, generation, approved=True)


async def deny(
    client: "Client",
    namespace: str,
    name: str,
    *,
    event: str | None = None,
    uid: str | None = None,
    generation: int | None = None,
) -> str:
    """Refuse a gate for good; otherwise as ``approve``."""
    return await _decide(client, namespace, name, event, uid, generation, approved=False)


async def _decide(
    client: "Client",
    namespace: str,
    name: str,
    event: str | None,
    uid: str | None,
    generation: int | None,
    *,
    approved: bool,
) -> str:
    """Write the decision on the version that was judged: of two people who decide at once, one is refused."""
    for _ in range(ATTEMPTS):
        team = await read_now(client, AGENT_TEAMS, namespace, name, uid)
        metadata = team["metadata"]
        _check_generation(team, generation)
        _check_alive(team)
        gate = choose_gate(team, event)
        patch = {
            "metadata": {
                "uid": metadata["uid"],
                "resourceVersion": metadata["resourceVersion"],
                "annotations": {APPROVAL_PREFIX + gate.event: "true" if approved else "false"},
            }
        }
        try:
            await client.patch_merge(AGENT_TEAMS, namespace, name, patch)
        except Conflict:
            continue
        return gate.event
    raise ActError(f"{namespace}/{name} keeps changing; the gate was not decided, try again")


def choose_gate(team: Mapping[str, Any], event: str | None) -> Gate:
    """The gate to decide. Raises NoSuchGateError when it is not declared, ActError when it is decided."""
    name = team["metadata"]["name"]
    gates = gates_of(team)
    if event is None:
        waiting = [gate for gate in gates if gate.state == "waiting"]
        if not waiting:
            raise NoSuchGateError(f"no gate of {name} waits for a person")
        if len(waiting) > 1:
            events = ", ".join(gate.event for gate in waiting)
            raise ActError(f"{len(waiting)} gates of {name} wait; name one of {events}")
        return waiting[0]
    for gate in gates:
        if gate.event == event:
            if gate.decided:
                raise ActError(f"gate {event} of {name} was {gate.state} before; that stands")
            return gate
    known = ", ".join(gate.event for gate in gates) or "none"
    raise NoSuchGateError(f"{name} has no gate {event}; its gates: {known}")


@dataclass(frozen=True, slots=True)
class SpecAct:
    """An act that changes the spec of a team or run, of that object and of that spec alone."""

    spec: Mapping[str, Any]

    async def __call__(
        self,
        client: "Client",
        namespace: str,
        name: str,
        *,
        uid: str | None = None,
        generation: int | None = None,
        resource: Resource = AGENT_TEAMS,
    ) -> None:
        """Does it. A server that gives up on a busy object is asked again."""
        for _ in range(ATTEMPTS):
            team = await read_now(client, resource, namespace, name, uid)
            _check_generation(team, generation)
            _check_alive(team)
            # From now on it is this object, also when the caller named none.
            uid, version = team["metadata"]["uid"], team["metadata"]["resourceVersion"]
            held = {"uid": uid, "resourceVersion": version}
            try:
                await client.patch_merge(
                    resource, namespace, name, {"metadata": held, "spec": dict(self.spec)}
                )
            except Conflict:
                continue
            return
        raise ActError(f"{namespace}/{name} keeps changing; nothing was done, try again")


kill: Final = SpecAct({"cancel": True})
"""Cancel the team (or run): its agents stop for good, files and mail stay."""

suspend: Final = SpecAct({"suspend": True})
"""Stop the agents; files and sessions stay."""

resume: Final = SpecAct({"suspend": False})
"""Continue a suspended team in the sessions it had."""


async def delete(
    client: "Client",
    namespace: str,
    name: str,
    *,
    uid: str | None = None,
    generation: int | None = None,
    resource: Resource = AGENT_TEAMS,
) -> None:
    """Remove the object with everything it owns: pods, volumes, mail, tasks."""
    for _ in range(ATTEMPTS):
        found = await read_now(client, resource, namespace, name, uid)
        _check_generation(found, generation)
        # From now on it is this object, also when the caller named none.
        uid, version = found["metadata"]["uid"], found["metadata"]["resourceVersion"]
        try:
            await client.delete(
                resource, namespace, name, uid=uid, resource_version=version, propagation="Background"
            )
        except Conflict:
            continue
        except NotFound:
            raise ActError(f"{namespace}/{name} is gone; nothing was done") from None
        return
    raise ActError(f"{namespace}/{name} keeps changing; nothing was done, try again")


async def send(
    client: "Client", team: Mapping[str, Any], *, to: str, text: str, summary: str | None = None
) -> str:
    """Queue a message of a person for an agent; returns its id once it is safely written down."""
    from kagents_tui.hub import send_through_hub

    metadata = team["metadata"]
    now = await read_now(client, AGENT_TEAMS, metadata["namespace"], metadata["name"], metadata["uid"])
    _check_alive(now)
    return await send_through_hub(client, now, to=to, text=text, summary=summary)


async def read_now(
    client: "Client", resource: Resource, namespace: str, name: str, uid: str | None
) -> dict[str, Any]:
    """The object as it is now. Refuses when it is gone, or another one has its name."""
    try:
        team: dict[str, Any] = await client.get(resource, namespace, name)
    except NotFound:
        if uid is None:
            raise
        raise ActError(f"{namespace}/{name} is gone; nothing was done") from None
    _check_uid(team, uid)
    return team


def _check_uid(team: Mapping[str, Any], uid: str | None) -> None:
    metadata = team["metadata"]
    if uid is not None and metadata["uid"] != uid:
        raise ActError(_made_again(str(metadata.get("namespace")), str(metadata.get("name"))))


def _check_generation(team: Mapping[str, Any], generation: int | None) -> None:
    """Whether the spec is still the one that the person has read."""
    metadata = team["metadata"]
    if generation is not None and metadata.get("generation") != generation:
        name = f"{metadata.get('namespace')}/{metadata.get('name')}"
        raise ActError(f"the spec of {name} was changed in the meantime; look at it again first")


def _check_alive(team: Mapping[str, Any]) -> None:
    phase = (team.get("status") or {}).get("phase")
    name = team["metadata"]["name"]
    if phase in TERMINAL:
        raise ActError(f"{name} has ended already ({phase})")
    if (team.get("spec") or {}).get("cancel"):
        raise ActError(f"{name} is being cancelled")


def _made_again(namespace: str, name: str) -> str:
    return f"{namespace}/{name} was deleted and made again in the meantime; look at the new one first"
