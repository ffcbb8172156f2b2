"""Agents of all teams, from the teams' status."""

from collections import deque
from collections.abc import Sequence
from time import perf_counter
from typing import Any, ClassVar, Final

from textual.binding import BindingType

from kagents_tui.actions import BY_ID
from kagents_tui.actions.bindings import bindings
from kagents_tui.feed import Batch
from kagents_tui.rows import team_agents as rows
from kagents_tui.rows import teams
from kagents_tui.rows.cells import Cell, cell
from kagents_tui.rows.team_agents import TeamAgent
from kagents_tui.rows.teams import Key, Team
from kagents_tui.screens.kindlist import KindList
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
        self._pending: dict[rows.Key, TeamAgent | None] = {}

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
        """Reads the agents of some teams, and goes on after the keys that wait.

        What was read is shown when it is as much as is shown already: at once first, then ever more.
        """
        if not self.ready:
            return
        until = perf_counter() + SLICE_SECONDS
        while self._unread and perf_counter() < until:
            team = self._unread.popleft()
            if team.key not in self._known:
                self._read({team.key: team})
        if self._unread:
            self.set_timer(0.005, self._read_some)
        if not self._unread or len(self._pending) >= len(self.table().items):
            self._show()

    def _read(self, batch: Batch) -> None:
        """Takes in the agents of changed teams."""
        for key, team in batch.items():
            self._pending.update(dict.fromkeys(self._known.pop(key, ())))
            if team is not None:
                agents = rows.agents_of(team)
                self._known[key] = tuple(agent.key for agent in agents)
                self._pending.update({agent.key: agent for agent in agents})

    def _show(self) -> None:
        """Shows what was taken in."""
        changes, self._pending = self._pending, {}
        if changes:
            self.table().apply(changes)
        self.refresh_bars()

    def teams_changed(self, batch: Batch) -> None:
        if self.ready:
            self._read(batch)
            if not self._unread:
                self._show()

    def teams_replaced(self) -> None:
        if self.ready:
            self._known.clear()
            self._unread.clear()
            self._pending.clear()
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
