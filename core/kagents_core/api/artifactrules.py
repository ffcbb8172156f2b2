"""Rules of artifacts and inputs: nobody takes what nobody makes.

Whom a teammate takes something from it also waits for, so circles are found with those of ``dependsOn``.
"""

from collections.abc import Iterator, Sequence
from typing import Final

from kagents_core.api.agents import AgentSpec, TeammateSpec
from kagents_core.api.artifacts import MOST_OF_TEAM
from kagents_core.api.constants import LEAD
from kagents_core.api.fielderrors import FieldError

NO_SUCH_MAKER: Final = "there is no teammate of this name; an input is written AGENT/ARTIFACT"
MADE_BY_LEAD: Final = "the lead ends last, so nobody can wait for what it makes"
TWICE: Final = "this entry is there twice"
TOO_MANY: Final = f"a team has at most {MOST_OF_TEAM} artifacts; declare a folder in place of many files"


def artifact_problems(agents: Sequence[tuple[str, AgentSpec]]) -> Iterator[FieldError]:
    """Every broken rule; ``agents`` with the place of each in the spec."""
    mates = {agent.name: agent for _, agent in agents if isinstance(agent, TeammateSpec)}
    count = 0
    for where, agent in agents:
        yield from _declared(where, agent)
        if count <= MOST_OF_TEAM < count + len(agent.artifacts):
            yield FieldError(f"{where}.artifacts", None, TOO_MANY)
        count += len(agent.artifacts)
        if not isinstance(agent, TeammateSpec):
            continue
        for index, each in enumerate(agent.inputs):
            at = f"{where}.inputs[{index}].from"
            maker = mates.get(each.agent)
            if maker is None:
                sentence = MADE_BY_LEAD if each.agent == LEAD else NO_SUCH_MAKER
                yield FieldError(at, each.source, sentence)
            elif each.artifact not in {made.name for made in maker.artifacts}:
                known = ", ".join(made.name for made in maker.artifacts) or "none"
                sentence = f"{each.agent} does not declare this artifact; it declares {known}"
                yield FieldError(at, each.source, sentence)
            elif each in agent.inputs[:index]:
                yield FieldError(at, each.source, TWICE)


def _declared(where: str, agent: AgentSpec) -> Iterator[FieldError]:
    names = [each.name for each in agent.artifacts]
    for index, name in enumerate(names):
        if name in names[:index]:
            yield FieldError(f"{where}.artifacts[{index}].name", name, TWICE)
