"""What a prompt may name of other agents' results: only those of agents that have ended by then.

CEL has no way to read names out of a text, so on a cluster a wrong one ends the team at once as an invalid
spec.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from kagents_core.api.agents import AgentSpec, TeammateSpec
from kagents_core.api.constants import LEAD
from kagents_core.api.fielderrors import FieldError
from kagents_core.resultnames import NotAReferenceError, Reference, references

NOT_A_RESULT: Final = "a result is written {{ results.AGENT.KEY }}, such as {{ results.backend-api.commit }}"
NO_SUCH_AGENT: Final = "there is no teammate of this name"
LEAD_IS_FIRST: Final = "the lead begins before any teammate has results; it learns of them by mail"
NOT_ENDED: Final = (
    "only the results of teammates in dependsOn or inputs are there when this one begins; add it there"
)


def result_problems(agents: Sequence[tuple[str, AgentSpec]]) -> Iterator[FieldError]:
    """Every name of a result that cannot be filled in; ``agents`` with the place of each in the spec."""
    mates = {agent.name: agent for _, agent in agents if isinstance(agent, TeammateSpec)}
    for where, agent in agents:
        try:
            named = references(agent.prompt)
        except NotAReferenceError as wrong:
            yield FieldError(f"{where}.prompt", str(wrong)[:100], NOT_A_RESULT)
            continue
        before = _before(agent, mates)
        for reference in dict.fromkeys(named):
            if sentence := _wrong(reference, agent, mates, before):
                yield FieldError(f"{where}.prompt", str(reference), sentence)


def _wrong(
    named: Reference, agent: AgentSpec, mates: Mapping[str, TeammateSpec], before: set[str]
) -> str | None:
    if not isinstance(agent, TeammateSpec):
        return LEAD_IS_FIRST
    if named.agent not in mates and named.agent != LEAD:
        return NO_SUCH_AGENT
    return None if named.agent in before else NOT_ENDED


def _before(agent: AgentSpec, mates: Mapping[str, TeammateSpec]) -> set[str]:
    """Teammates that have ended before this one begins."""
    found: set[str] = set()
    waiting = list(agent.needs) if isinstance(agent, TeammateSpec) else []
    while waiting:
        name = waiting.pop()
        if name not in found and name in mates:
            found.add(name)
            waiting += mates[name].needs
    return found
