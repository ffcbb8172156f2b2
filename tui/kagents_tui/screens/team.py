"""One team: agents, mail, tasks and timeline, live from one journal stream; one at a time when narrow."""

import asyncio
from collections.abc import AsyncGenerator, Mapping, Sequence
from typing import Any, ClassVar, Self

from textual import events
from textual.binding import BindingType
from textual.containers import Horizontal, Vertical

from kagents_tui.actions import BY_ID
from kagents_tui.feed import Batch
from kagents_tui.journal_view import Happening, Mail, Task
from kagents_tui.places import Place
from kagents_tui.rows import agents, mail, tasks, timeline
from kagents_tui.rows.agents import Agent
from kagents_tui.rows.ages import age, span
from kagents_tui.rows.cells import Cell, cell
from kagents_tui.rows.fields import mapping, moment
from kagents_tui.rows.teams import Key, Team, cost_cell, finished, phase_cell
from kagents_tui.screens.listing import Listing
from kagents_tui.screens.view import bindings
from kagents_tui.tail import Tail
from kagents_tui.widgets.bar import Bar
from kagents_tui.widgets.pane import Pane
from kagents_tui.widgets.table import Table

PANES = ("agents", "mail", "tasks", "timeline")
WIDE, TALL = 100, 20
"""From this many columns and lines on, all panes are shown together."""

PAINT_SECONDS = 0.1


class TeamScreen(Listing, inherit_bindings=False):
    """One team."""

    kind = "team"
    BINDINGS: ClassVar[list[BindingType]] = bindings("team")
    DEFAULT_CSS = """
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
        super().__init__()
        self.key = key
        self.team: Team | None = None
        self.active = "agents"
        self.gone = False
        self._object: dict[str, Any] = {}
        self._paint_due = False
        self._known = asyncio.Event()
        self.tail = Tail(self._open_journal, self._journal_changed)

    @classmethod
    def at(cls, place: Place) -> Self:
        namespace, name = place.about
        return cls((namespace, name))

    def place(self) -> Place:
        return Place(self.kind, self.key)

    def body(self) -> Any:
        scene, rule = self.kagents.scene, self.kagents.symbols.rule
        yield Bar(id="tabs")
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
        with Horizontal(id="body"):
            with Vertical(id="left"):
                yield Pane("Agents", agents_table, rule=rule, id="agents")
                yield Pane("Tasks", tasks_table, rule=rule, id="tasks")
            with Vertical(id="right"):
                yield Pane("Mail", mail_table, rule=rule, id="mail")
                yield Pane("Timeline", timeline_table, rule=rule, id="timeline")

    def on_mount(self) -> None:
        self.set_class(self.kagents.options.ascii, "ascii")
        self._take(self.kagents.teams.get(self.key))
        self._arrange()
        super().on_mount()
        self._paint_journal()
        self.table().focus()
        self._start_following()

    def on_unmount(self) -> None:
        self.kagents.workers.cancel_group(self.kagents, f"journal-{id(self)}")

    # The object and the journal

    def _start_following(self) -> None:
        """Follows the journal of the team from its beginning, and nothing else."""
        self.tail = Tail(self._open_journal, self._journal_changed)
        group = f"journal-{id(self)}"
        self.kagents.run_worker(self._follow(self.tail), group=group, exclusive=True, exit_on_error=False)

    async def _follow(self, tail: Tail) -> None:
        await self._known.wait()
        await tail.run(finished=lambda: self.gone or self.team is None or finished(self.team))

    def _open_journal(self, after: int) -> AsyncGenerator[Mapping[str, Any]]:
        from kagents_tui.journal_stream import stream

        if self.kagents.connection is None or self.team is None:
            raise ConnectionError("not connected")
        return stream(self.kagents.connection.client, self.team.object(), after=after, follow=True)

    def _take(self, team: Team | None) -> None:
        if team is None:
            return
        made_again = self.team is not None and team.uid != self.team.uid
        self.team, self._object = team, team.object()
        self._known.set()
        if made_again:
            self._start_following()
            self.say(cell("the team was deleted and made again; this is the new one").text, "warn")

    def _journal_changed(self) -> None:
        if not self._paint_due and self.ready:
            self._paint_due = True
            self.set_timer(PAINT_SECONDS, self._paint_journal)

    def _paint_journal(self) -> None:
        self._paint_due = False
        if not self.ready:
            return
        view = self.tail.view
        self._pane("agents").table.replace(agents.agents_of(self._object, view))
        self._pane("mail").table.replace(view.mail.values())
        self._pane("tasks").table.replace(view.tasks.values())
        self._pane("timeline").table.replace(view.timeline)
        self.refresh_bars()

    def teams_changed(self, batch: Batch) -> None:
        if self.key not in batch:
            return
        self.gone = batch[self.key] is None
        if self.gone:
            self.say(cell("the team is gone; what is shown is the last that was known").text, "warn")
        self._take(batch[self.key])
        self._journal_changed()

    def tick(self) -> None:
        super().tick()
        for name in PANES:
            if self._pane(name).display:
                self._pane(name).table.tick()

    # Panes

    def _pane(self, name: str) -> Pane:
        return self.query_one(f"#{name}", Pane)

    def table(self) -> Any:
        return self._pane(self.active).table

    def on_resize(self, event: events.Resize) -> None:
        self._arrange()

    def _arrange(self) -> None:
        single = self.size.width < WIDE or self.size.height < TALL
        self.set_class(single, "single")
        self.query_one("#tabs").display = single
        for name in PANES:
            self._pane(name).display = not single or name == self.active
        self.query_one("#left").display = not single or self.active in ("agents", "tasks")
        self.query_one("#right").display = not single or self.active in ("mail", "timeline")
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

    # What is selected and opened

    def selected(self) -> Team | None:
        return self.team

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
            self.perform(BY_ID["logs"], ())
        elif isinstance(item, Mail):
            self.kagents.push_screen(ReadingScreen("Message", self.key, mail.whole_message(item, scene)))
        elif isinstance(item, Task):
            self.kagents.push_screen(ReadingScreen("Task", self.key, tasks.whole_task(item, scene)))

    # Bars

    def crumbs(self) -> Sequence[Cell]:
        scene = self.kagents.scene()
        if self.team is None:
            return [cell(f"{self.key[0]} / {self.key[1]}", "strong"), cell("  looking for it", "dim")]
        team, status = self.team, mapping(self._object.get("status"))
        limit = mapping(mapping(self._object.get("spec")).get("lifecycle")).get("timeout")
        started, ended = moment(status.get("startedAt")), moment(status.get("completedAt"))
        ran = span(ended - started) if started and ended else age(scene.now, started)
        parts = [
            cell(f"{team.namespace} / ", "dim"),
            Cell(team.name, "strong"),
            cell("  "),
            phase_cell(team, scene),
            cell(f"  {team.ready or scene.symbols.dash} ready  "),
            cost_cell(team, scene),
            cell(f"  {ran or '0s'}" + (f" of {limit}" if limit else "")),
        ]
        if team.simulated:
            parts.append(cell("  [simulated]", "accent"))
        if self.gone:
            parts.append(cell(f"  {scene.symbols.failed} deleted", "bad"))
        return parts

    def refresh_bars(self) -> None:
        super().refresh_bars()
        if not self.ready:
            return
        for name in PANES:
            self._pane(name).show_title(self._note(name), active=name == self.active)
        tabs = [cell(" ")]
        for number, name in enumerate(PANES, 1):
            on, table = name == self.active, self._pane(name).table
            words = f"{number} {name} {len(table.rows)}" + (
                f" /{table.filter_text}" if table.filter_text else ""
            )
            tabs.append(cell(f"[{words}]" if on else f" {words} ", "strong" if on else "dim"))
        self.query_one("#tabs", Bar).show(tabs, [self._note("mail"), cell(" ")])

    def _note(self, name: str) -> Cell:
        """What a pane's title says on the right: how live it is, and what was left out."""
        scene, tail = self.kagents.scene(), self.tail
        if name != "mail":
            return cell("")
        if tail.lost_since is not None and not (tail.ended or self.gone):
            return cell(
                f"{scene.symbols.failed} lost {age(scene.now, tail.lost_since)}: {tail.trouble[:60]}", "warn"
            )
        dropped = (
            f" {scene.symbols.dot} {tail.view.dropped_mail} older dropped" if tail.view.dropped_mail else ""
        )
        if tail.ended:
            return cell(f"{scene.symbols.stopped} ended{dropped}", "dim")
        if tail.view.live:
            return cell(f"{scene.symbols.working} live{dropped}", "good")
        return cell("connecting", "dim")
