"""What every screen shows around its body: title line, the way to it, messages, keys."""

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, ClassVar, cast

from textual.app import ComposeResult
from textual.screen import Screen
from textual.widget import Widget

from kagents_core.safetext import SafeText
from kagents_tui.actions import SCREENS, Action, key_words
from kagents_tui.feed import Batch
from kagents_tui.rows.ages import age
from kagents_tui.rows.cells import Cell, Tone, cell
from kagents_tui.rows.teams import Team, money
from kagents_tui.screens.keeping import Keeping
from kagents_tui.widgets.bar import Bar
from kagents_tui.widgets.layout import cells_wide, first_that_fit

if TYPE_CHECKING:
    from kagents_tui.app import KagentsApp

MESSAGE_SECONDS = 8.0


class Frame(Keeping, Screen[None], inherit_bindings=False):
    """A screen between its bars. ``kind`` names its entry in ``actions.SCREENS``."""

    kind: ClassVar[str] = "document"
    DEFAULT_CSS = """
    Frame { layout: vertical; }
    Frame #body { height: 1fr; }
    Frame #banner { display: none; }
    """

    def __init__(self) -> None:
        super().__init__()
        self._composed = False
        self._message: Cell | None = None

    @property
    def ready(self) -> bool:
        """Whether its widgets are there: not before they are made, nor while the screen or the app closes."""
        return self._composed and self.is_attached and self.display

    @property
    def kagents(self) -> "KagentsApp":
        """The application, by its own type."""
        return cast("KagentsApp", self.app)

    def compose(self) -> ComposeResult:
        yield Bar(id="title")
        yield Bar(id="banner")
        yield Bar(id="rule", fill=self.kagents.symbols.rule)
        yield from self.body()
        yield Bar(id="message", fill=self.kagents.symbols.rule)
        yield Bar(id="keys")

    def body(self) -> Iterable[Widget]:
        """The widgets between the bars."""
        return ()

    def on_mount(self) -> None:
        self._composed = True
        self.refresh_bars()

    def on_screen_resume(self) -> None:
        """What changed meanwhile is shown."""
        self.refresh_bars()

    # What the application tells

    def teams_changed(self, batch: Batch) -> None:
        """Some teams changed; None is a team that is gone."""

    def teams_replaced(self) -> None:
        """Another connection or other namespaces: forget all teams."""

    def tick(self) -> None:
        """A second has passed: ages move on."""
        self.refresh_bars()

    def say(self, text: SafeText, tone: Tone) -> None:
        """Shows one line above the keys for some seconds."""
        self._message = Cell(text, tone)
        self.refresh_bars()
        said = self._message
        self.set_timer(MESSAGE_SECONDS, lambda: self._unsay(said))

    def unsay_problem(self) -> None:
        """Takes a warning away that does not hold any more."""
        if self._message is not None and self._message.tone == "warn":
            self._unsay(self._message)

    def _unsay(self, said: Cell) -> None:
        if self._message is said:
            self._message = None
            self.refresh_bars()

    # Bars

    def refresh_bars(self) -> None:
        """Paints the bars anew, where something differs."""
        if not self.ready:
            return
        self.query_one("#title", Bar).show(self.title_cells(), self.badges())
        self.show_banner()
        rule = self.kagents.symbols.rule
        crumbs = [cell(f"{rule} ", "dim"), *self.crumbs(), cell(" ", "dim")]
        self.query_one("#rule", Bar).show(crumbs, self.rule_cells())
        message = [cell(f"{rule} ", "dim"), self._message, cell(" ")] if self._message else []
        self.query_one("#message", Bar).show(message)
        self.query_one("#keys", Bar).show(self.key_cells(), self.always_cells())

    def show_banner(self) -> None:
        """One line under the title for what is wrong with the whole, if anything is: the first of it."""
        banners = self.kagents.banners()
        bar = self.query_one("#banner", Bar)
        if banners:
            more = cell(f"(+{len(banners) - 1}) ", "dim") if len(banners) > 1 else cell(" ")
            bar.show([cell(f" {self.kagents.symbols.warning} ", "warn"), cell(banners[0], "warn")], [more])
        bar.display = bool(banners)

    def title_cells(self) -> Sequence[Cell]:
        """The left of the title line: where we are connected, and the totals."""
        app = self.kagents
        sums = app.totals()
        where = app.connection.context if app.connection else app.lifeline.status
        spaces = " ".join(app.namespaces) if app.namespaces else "all namespaces"
        head = [
            cell(" kagents ", "accent"),
            cell(f" {where} ", "strong" if app.connection else "warn"),
            cell(f" {spaces} ", "dim"),
        ]
        counts = [
            cell(f" {sums.teams} team{'' if sums.teams == 1 else 's'}"),
            cell(f" {app.symbols.dot} {sums.working} working"),
            cell(f" {app.symbols.dot} {money(sums.cost, estimated=sums.estimated)}"),
        ]
        return first_that_fit([*head, *counts], self.size.width - cells_wide(self.badges()))

    def badges(self) -> Sequence[Cell]:
        """The right of the title line: what is wrong, and how many need a person."""
        app = self.kagents
        shown: list[Cell] = []
        shown += lost_cells(app)
        if app.options.read_only:
            shown.append(cell(" [read-only] ", "accent"))
        attention = app.totals().people
        if attention:
            verb = "needs" if attention == 1 else "need"
            shown.append(cell(f" {app.symbols.person} {attention} {verb} you ", "warn"))
        return shown

    def crumbs(self) -> Sequence[Cell]:
        """The way to this screen."""
        return ()

    def rule_cells(self) -> Sequence[Cell]:
        """The right end of the rule."""
        return ()

    def always_cells(self) -> Sequence[Cell]:
        """The right end of the key line, on every screen."""
        words = self.kagents.keymap.words
        return (
            cell(words("command"), "accent"),
            cell(" command  ", "dim"),
            cell(words("help"), "accent"),
            cell(" help ", "dim"),
        )

    def footer_actions(self) -> Sequence[Action]:
        """What the footer has room for: first what only this screen can do, and the same one of all teams."""
        mine = SCREENS[self.kind][-1]
        one = mine.removeprefix("all-")
        found = self.kagents.keymap.of_screen(self.kind, read_only=self.kagents.options.read_only)
        own = ((mine,), (one, f"all-{one}"))
        return sorted(
            (each for each in found if each.footer and (each.keys or each.command)),
            key=lambda each: 0 if each.scopes in own else 1 if mine in each.scopes else 2,
        )

    def key_cells(self) -> Sequence[Cell]:
        """The keys of the footer; those that may not be used are dim and in brackets."""
        namespace = self.focus_namespace()
        shown: list[Cell] = []
        for action in self.footer_actions():
            if action.id not in ("command", "help"):
                off = bool(namespace is not None and self.kagents.permissions.refusal(action, namespace))
                words = key_words(action) or f":{action.command}"
                key = f"({words})" if off else words
                shown += [cell(f" {key}", "dim" if off else "accent"), cell(f" {action.title} ", "dim")]
        return first_that_fit(shown, self.size.width - cells_wide(self.always_cells()), together=2)

    # What the acts and keys are about

    def selected(self) -> Team | None:
        """The team that the acts of this screen are about."""
        return None

    def selected_event(self) -> str | None:
        """The gate that the cursor is on, where the screen knows."""
        return None

    def selected_agent(self) -> str | None:
        """The agent that the cursor is on, where the screen knows."""
        return None

    def focus_namespace(self) -> str | None:
        """The namespace that keys are about now."""
        team = self.selected()
        return team.key[0] if team else None


def lost_cells(app: "KagentsApp") -> list[Cell]:
    """The badge of a connection that is lost: how old what is shown is, and why."""
    link, failed = app.link, app.symbols.failed
    if app.lifeline.trouble:
        return [cell(f" {failed} {app.lifeline.trouble[:60]} ", "bad")]
    if link is None or link.connected:
        return []
    since = age(app.now(), link.since) or "0s"
    what = f"lost, data {since} old" if link.synced else f"no answer for {since}"
    why = f": {link.error[:50]}" if link.error else ""
    return [cell(f" {failed} {what}{why} ", "bad")]
