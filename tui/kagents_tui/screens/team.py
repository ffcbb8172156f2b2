"""One team: agents as a tree, tasks, mail, timeline, money; one pane at a time when narrow or maximised."""

from collections.abc import Sequence
from typing import Any, ClassVar

from textual import events
from textual.binding import BindingType
from textual.containers import Horizontal, Vertical

from kagents_tui.actions import BY_ID
from kagents_tui.actions.bindings import bindings
from kagents_tui.delivery_states import delivery_of
from kagents_tui.journal.changes import Changes
from kagents_tui.journal.usage import Spent
from kagents_tui.journal_view import Happening, Mail, Task
from kagents_tui.navigation import drill
from kagents_tui.rows import agents, delivery, mail, tasks, timeline, usage
from kagents_tui.rows.agents import Agent
from kagents_tui.rows.cells import Cell, cell
from kagents_tui.rows.teams import Key
from kagents_tui.screens.followed import Followed
from kagents_tui.widgets.bar import Bar
from kagents_tui.widgets.pane import Pane
from kagents_tui.widgets.table import Table

PANES = ("agents", "mail", "tasks", "timeline", "usage")
LEFT = ("agents", "tasks", "usage")
WIDE, TALL = 100, 20
"""From this many columns and lines on, the panes are shown together."""

USAGE_TALL = 34
"""From this many lines on the usage has room too; else it shares the place of the tasks."""


TABS_WIDE, TITLE_WIDE = 60, 16
"""Room that the tabs, and a pane's own title, keep for themselves."""

TABS_NAMED = 72
"""From this many columns on every tab has its name."""


class TeamScreen(Followed, inherit_bindings=False):
    """One team."""

    kind = "team"
    BINDINGS: ClassVar[list[BindingType]] = bindings("team")
    DEFAULT_CSS = """
    TeamScreen #delivery { display: none; }
    TeamScreen #left { width: 53%; }
    TeamScreen #right { width: 47%; border-left: solid $panel; }
    TeamScreen.single #right { border-left: none; }
    TeamScreen.single Pane > Bar { display: none; }
    TeamScreen.ascii #right { border-left: ascii $panel; }
    TeamScreen #mail { height: 3fr; }
    TeamScreen #timeline { height: 2fr; }
    TeamScreen.single #left, TeamScreen.single #right { width: 1fr; }
    """

    def __init__(self, key: Key) -> None:
        super().__init__(key)
        self.active = "agents"
        self.maximised = False
        self.pointed: str | None = None
        """The agent to put the cursor on when the view has been made."""

    def body(self) -> Any:
        scene, rule = self.kagents.scene, self.kagents.symbols.rule
        yield Bar(id="tabs")
        yield Bar(id="delivery")
        agents_table: Table[Agent] = Table(
            agents.COLUMNS, scene=scene, key=lambda a: a.key, search=agents.search_text, header=False,
            empty="no agents",
        )  # fmt: skip
        mail_table: Table[Mail] = Table(
            mail.COLUMNS, scene=scene, key=lambda m: m.key, search=mail.search_text, header=False,
            detail=mail.excerpt, tail=True, empty="no mail yet",
        )  # fmt: skip
        tasks_table: Table[Task] = Table(
            tasks.COLUMNS, scene=scene, key=lambda t: t.key, search=tasks.search_text, header=False,
            order=lambda task, now: tasks.order(task), empty="no tasks yet",
        )  # fmt: skip
        timeline_table: Table[Happening] = Table(
            timeline.COLUMNS, scene=scene, key=lambda h: h.key, search=timeline.search_text, header=False,
            tail=True, empty="nothing has happened yet",
        )  # fmt: skip
        usage_table: Table[Spent] = Table(
            usage.COLUMNS, scene=scene, key=lambda s: (s.agent, s.model), search=usage.search_text,
            empty="nothing spent yet",
        )  # fmt: skip
        with Horizontal(id="body"):
            with Vertical(id="left"):
                yield Pane("Agents", agents_table, rule=rule, id="agents")
                yield Pane("Tasks", tasks_table, rule=rule, id="tasks")
                yield Pane("Usage", usage_table, rule=rule, id="usage")
            with Vertical(id="right"):
                yield Pane("Mail", mail_table, rule=rule, id="mail")
                yield Pane("Timeline", timeline_table, rule=rule, id="timeline")

    def on_mount(self) -> None:
        self.set_class(self.kagents.options.ascii, "ascii")
        self._arrange()
        super().on_mount()
        if self.pointed is not None:
            self.point_at_agent(self.pointed)

    # The object and the journal

    def take_in(self, changes: Changes) -> None:
        view = self.following.tail.view
        team = self.following.object
        self._pane("agents").table.replace(agents.tree(agents.agents_of(team, view)))
        if changes.mail:
            self._table("mail").apply(changes.mail)
        if changes.tasks:
            self._table("tasks").apply(changes.tasks)
        if changes.timeline:
            self._table("timeline").apply(changes.timeline)
        told = usage.told(team)
        if changes.usage or told:
            self._pane("usage").table.replace(usage.rows_of(view.ledger, told))

    def forget(self) -> None:
        for name in PANES:
            self._pane(name).table.replace(())

    def tick(self) -> None:
        super().tick()
        for name in PANES:
            if self._pane(name).display:
                self._pane(name).table.tick()

    # Panes

    def _pane(self, name: str) -> Pane:
        return self.query_one(f"#{name}", Pane)

    def _table(self, name: str) -> Any:
        return self._pane(name).table

    def table(self) -> Any:
        return self._pane(self.active).table

    def on_resize(self, event: events.Resize) -> None:
        self._arrange()

    @property
    def single(self) -> bool:
        """Whether one pane has all the room."""
        return self.maximised or self.size.width < WIDE or self.size.height < TALL

    def _arrange(self) -> None:
        single = self.single
        self.set_class(single, "single")
        self.query_one("#tabs").display = single
        crowded = self.size.height < USAGE_TALL
        hidden = "tasks" if self.active == "usage" else "usage"
        for name in PANES:
            self._pane(name).display = name == self.active if single else not (crowded and name == hidden)
        self.query_one("#left").display = not single or self.active in LEFT
        self.query_one("#right").display = not single or self.active not in LEFT
        self.refresh_bars()

    def show_pane(self, name: str) -> None:
        """Gives a pane the focus, and the room if there is little."""
        self.active = name
        self._arrange()
        self.table().focus()

    def on_descendant_focus(self, event: events.DescendantFocus) -> None:
        """A click into a pane makes it the active one."""
        for name in PANES:
            if event.widget is self._pane(name).table and name != self.active:
                self.active = name
                self._arrange()

    def do_next_pane(self, arguments: tuple[str, ...]) -> None:
        """The next pane."""
        self.show_pane(PANES[(PANES.index(self.active) + 1) % len(PANES)])

    def do_previous_pane(self, arguments: tuple[str, ...]) -> None:
        """The pane before."""
        self.show_pane(PANES[(PANES.index(self.active) - 1) % len(PANES)])

    def do_pane_agents(self, arguments: tuple[str, ...]) -> None:
        """The agents."""
        self.show_pane("agents")

    def do_pane_mail(self, arguments: tuple[str, ...]) -> None:
        """The mail."""
        self.show_pane("mail")

    def do_pane_tasks(self, arguments: tuple[str, ...]) -> None:
        """The tasks."""
        self.show_pane("tasks")

    def do_pane_timeline(self, arguments: tuple[str, ...]) -> None:
        """The timeline."""
        self.show_pane("timeline")

    def do_pane_usage(self, arguments: tuple[str, ...]) -> None:
        """Tokens and money."""
        self.show_pane("usage")

    def do_maximise(self, arguments: tuple[str, ...]) -> None:
        """All the room for the active pane: mail and tasks have screens of their own."""
        if self.active in ("mail", "tasks"):
            self.perform(BY_ID[self.active], ())
            return
        self.maximised = not self.maximised
        self._arrange()

    # What is selected and opened

    def point_at_agent(self, name: str) -> None:
        """Puts the cursor on an agent."""
        self.show_pane("agents")
        rows: list[Agent] = self.table().rows
        for index, agent in enumerate(rows):
            if agent.key == name:
                self.table().move_to(index)

    def _agent(self) -> Agent | None:
        found: Agent | None = self._pane("agents").table.current
        return found

    def selected_event(self) -> str | None:
        agent = self._agent()
        return agent.gate or None if agent and self.active == "agents" else None

    def selected_agent(self) -> str | None:
        agent = self._agent()
        return agent.key if agent else None

    def open_item(self, item: object) -> None:
        from kagents_tui.screens.reading import ReadingScreen

        scene = self.kagents.scene()
        if isinstance(item, Agent):
            self.perform(BY_ID["agent"], ())
        elif isinstance(item, Mail):
            drill(self.kagents, ReadingScreen("Message", self.key, mail.whole_message(item, scene)))
        elif isinstance(item, Task):
            known = self.following.tail.view.tasks
            drill(self.kagents, ReadingScreen("Task", self.key, tasks.whole_task(item, known, scene)))

    # Bars

    def refresh_bars(self) -> None:
        super().refresh_bars()
        if not self.ready:
            return
        for name in PANES:
            self._pane(name).show_title(self._note(name), active=name == self.active)
        tabs = [cell(" ")]
        for number, name in enumerate(PANES, 1):
            on, table = name == self.active, self._pane(name).table
            words = (
                f"{number} {name} {len(table.rows)}" if on or self.size.width >= TABS_NAMED else f"{number}"
            )
            words += f" /{table.filter_text}" if table.filter_text else ""
            tabs.append(cell(f"[{words}]" if on else f" {words} ", "strong" if on else "dim"))
        note = self._note("usage" if self.active == "usage" else "mail")
        self.query_one("#tabs", Bar).show(tabs, [note, cell(" ")])
        self._show_delivery()

    def _show_delivery(self) -> None:
        """One line for what was pushed and asked for, or why not; none while the agents work."""
        found = delivery_of(self.following.object)
        shown = delivery.cells(found, self.kagents.scene()) if found else []
        bar = self.query_one("#delivery", Bar)
        if found and shown:
            keys = self.kagents.keymap
            hint = f" {keys.words('retry')} retry " if found.failure else ""
            hint += f" {keys.words('open_link')} browser " if found.url else ""
            bar.show(shown, [cell(hint, "accent")])
        bar.display = bool(shown)

    def _note(self, name: str) -> Cell:
        """What a pane's title says on the right: how live it is, how fast the money goes."""
        if name == "mail":
            return self.live_cell()
        if name == "usage":
            team, ledger = self.following.team, self.following.tail.view.ledger
            wide = self.size.width
            room = wide - TABS_WIDE if self.single else wide * 53 // 100 - TITLE_WIDE
            return usage.pace(ledger, team.budget if team else None, self.kagents.scene(), room)
        return cell("")

    def crumbs(self) -> Sequence[Cell]:
        return self.team_cells()
