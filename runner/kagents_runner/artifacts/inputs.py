"""What an agent takes from others: checked before it starts, and told to it."""

from collections.abc import Callable
from pathlib import Path

from kagents_runner.artifacts.store import Allowance, RefusedError, measure, records
from kagents_runner.documents import AgentDocument, InputDocument
from kagents_runner.termination import EXIT_NEEDS_A_PERSON, RunnerError


def check_inputs(folder: Path | None, agent: AgentDocument, log: Callable[[str], None]) -> None:
    """Whether each input is there as it was collected. Raises ``RunnerError`` (64) for one that is not.

    ``folder`` is that of all artifacts of the team.
    """
    for wanted in agent.inputs:
        if folder is None:
            raise _missing(agent, wanted, "this pod does not have the team's artifacts")
        log(f"the input {wanted} is there: {_checked(folder, agent, wanted)}")


def _checked(folder: Path, agent: AgentDocument, wanted: InputDocument) -> str:
    kept = next((each for each in records(folder, wanted.agent) if each.name == wanted.artifact), None)
    if kept is None:
        raise _missing(agent, wanted, f"{wanted.agent} has left nothing of this name")
    if kept.problem:
        raise _missing(agent, wanted, f"{wanted.agent} was to leave it as {kept.path}, and {kept.problem}")
    try:
        found = measure(folder, [wanted.agent, wanted.artifact, kept.base], Allowance())
    except (OSError, RefusedError) as error:
        raise _missing(agent, wanted, f"what was collected cannot be read: {error}") from error
    if found["sha256"] != kept.sha256:
        raise _missing(agent, wanted, "it is not what was collected: its check sum differs")
    return f"{kept.files} files, {kept.size} bytes" if kept.folder else f"{kept.size} bytes"


def _missing(agent: AgentDocument, wanted: InputDocument, why: str) -> RunnerError:
    sentence = f"The input {wanted} of {agent.name} cannot be given: {why}."
    return RunnerError(sentence, code=EXIT_NEEDS_A_PERSON)
