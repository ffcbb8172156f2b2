"""What the screens on one team share: its journal, taken in change by change, and the way to the screen."""

from typing import Self

from kagents_tui.feed import Batch
from kagents_tui.following import Following
from kagents_tui.journal.changes import Changes
from kagents_tui.navigation import drill, leave
from kagents_tui.places import Look, Place
from kagents_tui.rows.ages import age, span
from kagents_tui.rows.cells import Cell, cell
from kagents_tui.rows.fields import mapping, moment
from kagents_tui.rows.teams import Key, Team, cost_cell, phase_cell
from kagents_tui.screens.listing import Listing

PAINT_SECONDS = 0.1
"""At most so often what is new is taken in and painted."""


class Followed(Listing, inherit_bindings=False):
    """A screen on one team. ``take_in`` hears what is new, ``forget`` that it is another team's journal."""

    following: Following
    changes: Changes

    def __init__(self, key: Key) -> None:
        super().__init__()
        self.key = key
        self._paint_due = False

    @classmethod
    def at(cls, place: Place) -> Self:
        namespace, name, *_ = place.about
        screen = cls((namespace, name))
        screen._wanted = place.look
        return screen

    def place(self) -> Place:
        return Place(self.kind, self.key, self.look() if self.ready else self._wanted)

    def look(self) -> Look:
        return super().look() if self.ready else self._wanted

    def on_mount(self) -> None:
        if self.ready:
            return  # Textual calls this for every class of the screen
        self.following = Following.join(self.kagents, self.key, self)
        self.changes = self.following.tail.view.watch()
        super().on_mount()
        self._paint()
        self.table().focus()

    def on_unmount(self) -> None:
        self.following.tail.view.unwatch(self.changes)
        self.following.leave(self)

    # What is new

    def journal_changed(self) -> None:
        """Something is new: it is painted soon, together with what else comes."""
        if not self._paint_due and self.ready:
            self._paint_due = True
            self.set_timer(PAINT_SECONDS, self._paint)

    def journal_replaced(self, why: str) -> None:
        """Another team of the same name."""
        self.changes = self.following.tail.view.watch()
        if self.ready:
            self.forget()
            self.say(cell(why).text, "warn")

    def _paint(self) -> None:
        self._paint_due = False
        if self.ready:
            self.take_in(self.changes.take())
            self.refresh_bars()

    def take_in(self, changes: Changes) -> None:
        """Shows what is new."""

    def forget(self) -> None:
        """Shows nothing of the journal any more."""

    def teams_changed(self, batch: Batch) -> None:
        if self.key in batch:
            if batch[self.key] is None and not self.following.gone:
                self.say(cell("the team is gone; what is shown is the last that was known").text, "warn")
            self.following.teams_changed(batch)

    # Where it leads

    def to_agent(self, name: str) -> None:
        """Shows the team with the cursor on an agent: in the view below if it is this team's."""
        from kagents_tui.screens.team import TeamScreen

        below = self.kagents.screen_stack[-2]
        if isinstance(below, TeamScreen) and below.key == self.key:
            leave(self.kagents)
            below.point_at_agent(name)
            return
        screen = TeamScreen(self.key)
        screen.pointed = name
        drill(self.kagents, screen)

    def to_task(self, key: str) -> None:
        """Shows the tasks with the cursor on one."""
        from kagents_tui.screens.tasks import TasksScreen

        screen = TasksScreen(self.key)
        screen.pointed = key
        drill(self.kagents, screen)

    # Bars

    def selected(self) -> Team | None:
        return self.following.team if self.ready else None

    def team_cells(self) -> list[Cell]:
        """The team: its name, phase, agents, money, time."""
        scene = self.kagents.scene()
        team = self.following.team if self.ready else None
        if team is None:
            return [cell(f"{self.key[0]} / {self.key[1]}", "strong"), cell("  looking for it", "dim")]
        source = self.following.object
        status = mapping(source.get("status"))
        limit = mapping(mapping(source.get("spec")).get("lifecycle")).get("timeout")
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
        if self.following.gone:
            parts.append(cell(f"  {scene.symbols.failed} deleted", "bad"))
        return parts

    def short_cells(self, title: str) -> list[Cell]:
        """The way to a view of one part of the team."""
        return [cell(f"{self.key[0]} / {self.key[1]} / ", "dim"), cell(title, "strong")]

    def live_cell(self) -> Cell:
        """How live the journal is, and what was left out."""
        scene, tail = self.kagents.scene(), self.following.tail
        if tail.lost_since is not None and not (tail.ended or self.following.gone):
            since = age(scene.now, tail.lost_since)
            return cell(f"{scene.symbols.failed} lost {since}: {tail.trouble[:60]}", "warn")
        view = tail.view
        dropped = f" {scene.symbols.dot} {view.dropped_mail} older dropped" if view.dropped_mail else ""
        if tail.ended:
            return cell(f"{scene.symbols.stopped} ended{dropped}", "dim")
        if view.live:
            return cell(f"{scene.symbols.working} live{dropped}", "good")
        return cell("connecting", "dim")
