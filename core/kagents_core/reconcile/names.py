"""Names of a team's children: unique for (team UID, agent, attempt), and within the limits of Kubernetes."""

import hashlib
import uuid

from kagents_core.api.constants import GROUP

NAME_LIMIT = 63
"""A pod's name is also its host name, a DNS label."""

_NAMESPACE = uuid.uuid5(uuid.NAMESPACE_DNS, GROUP)


def _digest(*parts: str) -> str:
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:5]


def child_name(team: str, uid: str, part: str, attempt: int = 0) -> str:
    """``<team>-<part>-<5 hex>``. The digest keeps ``a``+``b-c`` and ``a-b``+``c`` apart, and a re-applied
    team from its predecessor; too long a team name loses its end, too long a part as well.
    """
    digest = _digest(uid, part, str(attempt))
    part = part[: NAME_LIMIT - len(digest) - 10].rstrip("-.")
    room = NAME_LIMIT - len(part) - len(digest) - 2
    return f"{team[:room].rstrip('-.')}-{part}-{digest}"


def record_name(team: str, uid: str) -> str:
    """The name of the record of usage: of every team of this name another."""
    digest = hashlib.sha256(uid.encode()).hexdigest()[:12]
    return f"{team[: NAME_LIMIT - len(digest) - 1].rstrip('-.')}-{digest}"


def session_id(uid: str, agent: str) -> str:
    """The Claude session of an agent: the same for every attempt, so that a new pod resumes it."""
    return str(uuid.uuid5(_NAMESPACE, f"session/{uid}/{agent}"))


def notification_id(uid: str, event: str) -> str:
    """The id a gate's notification carries however often it is sent."""
    return str(uuid.uuid5(_NAMESPACE, f"gate/{uid}/{event}"))


def announcement_id(uid: str, event: str, subject: str, key: str) -> str:
    """The id of what a team's webhook is told, however often it is sent."""
    return str(uuid.uuid5(_NAMESPACE, f"event/{uid}/{event}/{subject}/{key}"))
