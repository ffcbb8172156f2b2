"""What an agent may push: its own branch, new or grown; nothing else, and why in one line."""

from collections.abc import Sequence

from kagents_core.safetext import clean
from kagents_runner.gitproxy.packets import Command

NO_PUSH = "agents of this team may fetch, not push: spec.repository.agentAccess is fetch"


def own_reference(branch: str) -> str:
    """The full name of a branch."""
    return f"refs/heads/{branch}"


def refusals(commands: Sequence[Command], branch: str) -> list[str] | None:
    """A reason for each command, or None when the push may go on. One refusal refuses them all."""
    reasons = [_reason(command, branch) for command in commands]
    if len(commands) > 1 and not any(reasons):
        return ["kagents: a push changes your branch once"] * len(commands)
    if not any(reasons):
        return None
    return [reason or "kagents: refused together with the others" for reason in reasons]


def _reason(command: Command, branch: str) -> str | None:
    if command.name != own_reference(branch):
        shown = clean(command.name.removeprefix("refs/heads/"), limit=120, multiline=False)
        return f"kagents: {shown} is not yours; you may push {branch}"
    if command.deletes:
        return "kagents: a branch is never deleted"
    return None
