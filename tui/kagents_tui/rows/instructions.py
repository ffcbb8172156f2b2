"""What each agent is instructed to heed, as lines of a team's description: the layers as it gets them."""

from collections.abc import Iterator, Mapping
from typing import Any, Final

from kagents_core.api.constants import LEAD
from kagents_core.instructions import layered
from kagents_core.safetext import clean
from kagents_tui.rows.fields import line, mapping, sequence

TEXT_LIMIT: Final = 40_000


def instructions(team: Mapping[str, Any]) -> Iterator[str]:
    """Every text once, with the agents that get it; nothing for a team without any."""
    spec = mapping(team.get("spec"))
    agents: list[tuple[object, Mapping[str, Any]]] = (
        [(LEAD, mapping(spec["lead"]))] if mapping(spec.get("lead")) else []
    )
    agents += [(each.get("name"), each) for each in map(mapping, sequence(spec.get("teammates")))]
    told: dict[str, list[str]] = {}
    for name, agent in agents:
        if text := layered(spec.get("instructions"), agent.get("instructions")):
            told.setdefault(text, []).append(line(name, 63))
    if told:
        yield from ("", "Instructions:")
    for text, names in told.items():
        yield f"  {', '.join(names)}:"
        for each in clean(text, limit=TEXT_LIMIT, multiline=True).splitlines():
            yield f"    {each}".rstrip()
