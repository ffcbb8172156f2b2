"""The limits of today: as the team's object says them, told to the gateway whenever they change."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import orjson

from kagents_core.api.constants import LEAD
from kagents_core.api.quantities import parse_money
from kagents_core.teamfiles.files import read_bounded, replace_file
from kagents_runner.documents import TeamDocument

FILE: Final = "limits.json"
_SIZE: Final = 1024 * 1024

Status = Mapping[str, Any]


class Limits:
    """Micro-dollars that the team, and each agent with a budget of its own, may spend."""

    def __init__(self, team: TeamDocument, folder: Path | None = None) -> None:
        """The limits that the pod was made with; ``folder`` is where a gateway reads them, if any."""
        self.team = team.budget_micros
        budgets = {each.name: each.budget_micros for each in team.agents}
        self.agents = {name: micros for name, micros in budgets.items() if micros is not None}
        self._path = None if folder is None else folder / FILE

    def tell_first(self) -> None:
        """At the start: what an earlier run has told is younger than what this pod was made with."""
        if self._path is not None and not self._path.exists():
            self._tell()

    def observed(self, team: Mapping[str, Any]) -> bool:
        """The team's object; whether its limits are others than before. Raises ``OSError``."""
        spec = _object(team.get("spec"))
        limit = _micros(_object(spec.get("lifecycle")).get("budgetLimit"))
        mates = spec.get("teammates")
        named = [(LEAD, spec.get("lead"))]
        named += [(str(mate.get("name")), mate) for mate in mates or () if isinstance(mate, dict)]
        found = {name: _micros(_object(agent).get("budget")) for name, agent in named}
        agents = {name: micros for name, micros in found.items() if micros is not None}
        if (limit, agents) == (self.team, self.agents) and self._is_told():
            return False
        self.team, self.agents = limit, agents
        self._tell()
        return True

    def reached(self, status: Status) -> frozenset[str]:
        """The names of those that have spent what they may; an empty name stands for the team."""
        usage = _object(status.get("usage"))
        spent: dict[str, int] = {}
        for each in usage.get("byModel") or ():
            spent[each["agent"]] = spent.get(each["agent"], 0) + each["costMicros"]
        over = {name for name, limit in self.agents.items() if spent.get(name, 0) >= limit}
        team = self.team is not None and usage.get("costMicros", 0) >= self.team
        return frozenset(over | ({""} if team else set()))

    def _document(self) -> bytes:
        return orjson.dumps({"budgetMicros": self.team, "agents": self.agents})

    def _is_told(self) -> bool:
        if self._path is None:
            return True
        try:
            return read_bounded(self._path, _SIZE) == self._document()
        except OSError:
            return False

    def _tell(self) -> None:
        if self._path is not None:
            replace_file(self._path, self._document())


def _micros(amount: object) -> int | None:
    try:
        return parse_money(amount) if isinstance(amount, str) else None
    except ValueError:
        return None


def _object(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}
