"""What agents have made, as the journal and the status tell of it: read where each agent alone writes."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Final

from kagents_core.safetext import clean
from kagents_runner.artifacts.store import records
from kagents_runner.record.books import Books

KEPT: Final = ("folder", "files", "size", "sha256")
PATH_LIMIT: Final = 255
PROBLEM_LIMIT: Final = 400


class ArtifactShelf:
    """Reads the records of agents that have ended into the books."""

    def __init__(self, books: Books, folder: Path | None) -> None:
        """``folder``: that of all artifacts; None when no agent of the team declares one."""
        self._books = books
        self._folder = folder
        self._declared = {agent.name: agent.artifacts for agent in books.team.agents}

    def read(self, agent: str) -> None:
        """The agent has ended as it should: what it has left is journalled, once."""
        if self._folder is None or not self._declared.get(agent):
            return
        found = [
            entry_of(agent, kept.document())
            for kept in records(self._folder, agent)
            if kept.name in self._declared[agent]
        ]
        known = self._books.artifacts
        self._books.write(
            [each for each in found if known.get((agent, each["name"]), {}).get("told") != each]
        )


def entry_of(agent: str, document: Mapping[str, Any]) -> dict[str, Any]:
    """A record as an entry of the journal; it was written by an agent's pod, so it is cleaned."""
    entry: dict[str, Any] = {"kind": "artifact", "agent": agent, "name": document["name"]}
    entry["path"] = clean(document["path"], limit=PATH_LIMIT, multiline=False)
    if "problem" in document:
        return entry | {"problem": clean(document["problem"], limit=PROBLEM_LIMIT, multiline=False)}
    return entry | {key: document[key] for key in KEPT}


def shown_artifacts(
    agents: Iterable[str], artifacts: Mapping[tuple[str, str], Mapping[str, Any]]
) -> list[dict[str, Any]]:
    """The status's list: agents as declared, their artifacts in the order in which they were told."""
    return [
        {key: value for key, value in kept["told"].items() if key != "kind"} | {"at": kept["at"]}
        for agent in agents
        for (maker, _), kept in artifacts.items()
        if maker == agent
    ]
