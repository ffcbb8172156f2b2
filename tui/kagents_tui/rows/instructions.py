"""What each agent is to heed and what extends it, as lines of a description: the layers as it gets them."""

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
    told: dict[str, list[str]] = {}
    for name, agent in _agents(spec):
        if text := layered(spec.get("instructions"), agent.get("instructions")):
            told.setdefault(text, []).append(line(name, 63))
    if told:
        yield from ("", "Instructions:")
    for text, names in told.items():
        yield f"  {', '.join(names)}:"
        for each in clean(text, limit=TEXT_LIMIT, multiline=True).splitlines():
            yield f"    {each}".rstrip()


def plugins(team: Mapping[str, Any]) -> Iterator[str]:
    """The plugins of each agent that can use them, with where they come from: the team's, then its own."""
    spec = mapping(team.get("spec"))
    shown = []
    for name, agent in _agents(spec):
        if (agent.get("harness") or spec.get("harness")) == "simulated":
            continue
        given = {
            str(each.get("name")): mapping(each.get("source"))
            for whose in (spec, agent)
            for each in map(mapping, sequence(whose.get("plugins")))
        }
        named = [f"{line(plugin, 63)} ({_origin(source)})" for plugin, source in given.items()]
        if named:
            shown.append(f"  {line(name, 63)}: {', '.join(named)}")
    if shown:
        yield from ("", "Plugins:", *shown)


def _origin(source: Mapping[str, Any]) -> str:
    kinds = (("configMap", "ConfigMap "), ("oci", ""), ("path", "folder "))
    return next((f"{word}{line(source[kind], 300)}" for kind, word in kinds if source.get(kind)), "nowhere")


def _agents(spec: Mapping[str, Any]) -> Iterator[tuple[object, Mapping[str, Any]]]:
    if lead := mapping(spec.get("lead")):
        yield LEAD, lead
    for each in map(mapping, sequence(spec.get("teammates"))):
        yield each.get("name"), each
