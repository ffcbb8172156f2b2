"""Agents of all teams, from the teams' status."""

from collections import deque
from collections.abc import Sequence
from time import perf_counter
from typing import Any, ClassVar, Final

from textual.binding import BindingType

from kagents_tui.actions import BY_ID
from kagents_tui.feed import Batch
from kagents_tui.rows import team_agents as rows
from kagents_tui.rows import teams
from kagents_tui.rows.cells import Cell, cell
from kagents_tui.rows.team_agents import TeamAgent
from kagents_tui.rows.teams import Key, Team
from kagents_tui.screens.kindlist import KindList
from kagents_tui.screens.view import bindings
from kagents_tui.widgets.table import Table

SLICE_SECONDS: Final = 0.02
"""So long agents are read at once; keys are answered between the slices."""


class AgentsScreen(KindList, inherit_bindings=False):
    """All agents."""

    kind = "agents"
    BINDINGS: ClassVar[list[BindingType]] = bindings("agents")

    def __init__(self) -> None:
        super().__init__()
        self._known: dict[Key, tuple[rows.Key, ...]] = {}
        self._unread: deque[Team] = deque()

    def body(self) -> Any:
        yield Table(
            rows.COLUMNS,
            scene=self.kagents.scene,
            key=lambda agent: agent.key,
            search=rows.search_text,
            order=rows.order,
            labels=lambda agent: teams.labels_of(agent.team),
            people=rows.needs_person,
            empty="no agents",
            id="body",
        )

    def on_mount(self) -> None:
        super().on_mount()
        self._unread.extend(self.kagents.teams.values())
        self._read_some()

    def _read_some(self) -> None:
        """Reads the agents of some teams, and goes on after the keys that wait."""
        if not self.ready:
            return
        until = perf_counter() + SLICE_SECONDS
        batch: Batch = {}
        while self._unread and perf_counter() < until:
            for _ in range(min(50, len(self._unread))):
                team = self._unread.popleft()
                if team.key not in self._known:
                    batch[team.key] = team
            self._take(batch)
            batch = {}
        if self._unread:
            self.set_timer(0.005, self._read_some)
        self.refresh_bars()

    def _take(self, batch: Batch) -> None:
        changes: dict[rows.Key, TeamAgent | None] = {}
        for key, team in batch.items():
            changes.update(dict.fromkeys(self._known.pop(key, ())))
            if team is not None:
                agents = rows.agents_of(team)
                self._known[key] = tuple(agent.key for agent in agents)
                changes.update({agent.key: agent for agent in agents})
        if changes:
            self.table().apply(changes)

    def teams_changed(self, batch: Batch) -> None:
        if self.ready:
            self._take(batch)

    def teams_replaced(self) -> None:
        if self.ready:
            self._known.clear()
            self._unread.clear()
            self.table().replace(())

    # What is selected and opened

    def _agent(self) -> TeamAgent | None:
        found: TeamAgent | None = self.table().current
        return found

    def selected(self) -> Team | None:
        agent = self._agent()
        return agent.team if agent else None

    def selected_event(self) -> str | None:
        agent = self._agent()
        return agent.gate or None if agent else None

    def selected_agent(self) -> str | None:
        agent = self._agent()
        return agent.key[2] if agent else None

    def open_item(self, item: object) -> None:
        self.perform(BY_ID["agent"], ())

    def crumbs(self) -> Sequence[Cell]:
        parts = self.listing_cells("Agents")
        if self._unread:
            parts.append(cell(f"  reading, {len(self._unread)} teams to go", "dim"))
        return parts
