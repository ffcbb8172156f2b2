"""Names that the API, the controller, the runner and the terminal agree on; each is defined here once."""

from typing import Final

GROUP: Final = "claude.amcheste.io"
VERSION: Final = "v1alpha1"
API_VERSION: Final = f"{GROUP}/{VERSION}"

APPROVAL_PREFIX: Final = f"approved.{GROUP}/"
"""Prefix of a gate's decision: ``approved.claude.amcheste.io/<event>`` is ``"true"`` or ``"false"``."""

LABEL_TEAM: Final = f"{GROUP}/team"
LABEL_AGENT: Final = f"{GROUP}/agent"
LABEL_ROLE: Final = f"{GROUP}/role"
"""``hub``, ``lead`` or ``teammate``."""

LABEL_HARNESS: Final = f"{GROUP}/harness"
ANNOTATION_ATTEMPT: Final = f"{GROUP}/attempt"
"""How many pods this agent had before this one; a decimal number."""

ANNOTATION_RESTARTS: Final = f"{GROUP}/restarts"
"""How many of those pods were replaced because they failed; a decimal number."""

CONTROLLER_MANAGER: Final = "kagents-controller"
"""Field manager of the controller's server-side applies."""

RECORDER_MANAGER: Final = "kagents-recorder"
"""Field manager of the recorder's server-side applies (its part of the status)."""

ANNOTATION_RETRY_FINISH: Final = f"{GROUP}/retry-finish"
"""On a team: a new value tries a delivery again that waits for a person. On a pod: its value then."""

EXIT_NEEDS_A_PERSON: Final = 64
"""Exit code of a container's program when a person must change something (``EX_USAGE``)."""

EXIT_QUALITY_GATE: Final = 65
"""Exit code of an agent whose work has failed the team's checks too often: it is not started again."""

EXIT_CONFLICT: Final = 66
"""Exit code of ``merge`` when agents' branches conflict: somebody must resolve it."""

ANNOTATION_CONFLICT: Final = f"{GROUP}/conflict"
"""On a pod of the lead: the attempt of the delivery whose conflict it was started for."""

EXIT_VOLUME_FULL: Final = 74
"""Exit code of a container's program that a full volume has stopped (``EX_IOERR``)."""

ANNOTATION_EXPORT: Final = f"{GROUP}/export"
"""On a team: while it is there, a pod waits for the export of the team's files. On a pod: its value then."""

LEAD: Final = "lead"
TEAM_LEAD: Final = "team-lead"
HUB: Final = "hub"
FINISH: Final = "finish"
"""The part of a team that delivers its work, and the gate before it."""
CHECKS: Final = "checks"
"""The container that waits for the checks of what was delivered."""
AWAITING_CHECKS: Final = "AwaitingChecks"
"""The reason of a condition ``Delivered`` that is true while the team still waits for them."""

SHARED_WORKTREE: Final = "shared"
"""What takes an agent's place in the names of worktree and branch with ``worktreeStrategy: shared``."""

EXPORT: Final = "export"
"""The pod through which a team's files are exported."""

RESERVED_NAMES: Final = frozenset({LEAD, TEAM_LEAD, HUB, FINISH, EXPORT, "user"})
"""Names no teammate may have: mailboxes and pods of these names belong to kagents."""
