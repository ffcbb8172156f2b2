"""What the journal says in numbers, for the metrics: learned from entries, so a new recorder counts on."""

from collections import OrderedDict
from collections.abc import Mapping
from typing import Any, Final

from kagents_core.api.constants import TEAM_LEAD
from kagents_core.api.quantities import parse_money
from kagents_core.metrics import HUB, OTHER, Metrics
from kagents_core.pricing import known_name
from kagents_runner.documents import TeamDocument
from kagents_runner.record.clock import seconds
from kagents_runner.record.posts import SHOWN

_MOST_LETTERS: Final = 10_000
"""Messages on their way whose time is remembered."""
_DOLLAR: Final = 1_000_000
_TOKENS: Final = ("input", "output", "cacheRead", "cacheWrite")


class Numbers:
    """Counts of one team, and the moments that ages are told from."""

    def __init__(self, team: TeamDocument) -> None:
        self.team = {"namespace": team.namespace, "team": team.name}
        self.metrics = Metrics(HUB)
        self.phase: str | None = None
        self.budget_micros: int | None = None
        self.gates: dict[str, float] = {}
        """Gates that wait for a person, and since when."""
        self.spans: Mapping[str, int] = {}
        """Spans of the team's trace by what became of them."""
        self._written: OrderedDict[str, float] = OrderedDict()
        self._states: dict[str, str] = {}

    def observed(self, team: Mapping[str, Any]) -> None:
        """The team's object: its budget may have changed."""
        limit = ((team.get("spec") or {}).get("lifecycle") or {}).get("budgetLimit")
        try:
            self.budget_micros = parse_money(limit) if isinstance(limit, str) else None
        except ValueError:
            self.budget_micros = None

    def learn(self, entry: Mapping[str, Any], at: float) -> None:
        """An entry is journalled, or read again."""
        match entry["kind"]:
            case "message" if entry["type"] in SHOWN and entry["to"] != TEAM_LEAD:
                self._written[entry["id"]] = seconds(entry["written"], at)
                if len(self._written) > _MOST_LETTERS:
                    self._written.popitem(last=False)
            case "delivery":
                self._took("team_mail_delivery_seconds", self._written.get(entry["id"]), at)
            case "seen":
                self._took("team_mail_seen_seconds", self._written.pop(entry["id"], None), at)
            case "usage":
                self._used(entry)
            case "phase":
                self.phase = entry["phase"]
            case "gate" if entry["state"] == "waiting":
                self.gates[entry["event"]] = at
            case "gate":
                self.gates.pop(entry["event"], None)
            case "malformed":
                self.metrics.count("team_malformed_total", 1, **self.team)
            case "activity":
                self._does(entry["agent"], entry["state"])

    def _took(self, name: str, written: float | None, at: float) -> None:
        if written is not None:
            self.metrics.observe(name, max(0.0, at - written), **self.team)

    def _used(self, entry: Mapping[str, Any]) -> None:
        where = self.team | {"model": known_name(entry["model"]) or OTHER}
        self.metrics.count("team_model_cost_dollars_total", entry["costMicros"] / _DOLLAR, **where)
        for kind in _TOKENS:
            self.metrics.count("team_model_tokens_total", entry[f"{kind}Tokens"], **where, kind=kind)

    def _does(self, agent: str, state: str) -> None:
        if state == "starting" and self._states.get(agent) != state:
            self.metrics.count("agent_attempts_total", 1, **self.team, agent=agent)
        self._states[agent] = state
