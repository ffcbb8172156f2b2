"""What every screen has: title line, body, message line, keys; and how an action is carried out."""

from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Any, ClassVar, cast

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.screen import Screen
from textual.widget import AwaitMount, Widget

from kagents_core.safetext import SafeText
from kagents_tui.actions import BY_ID, Action, key_words, of_screen
from kagents_tui.commands import CommandError, complete, parse
from kagents_tui.feed import Batch
from kagents_tui.rows.ages import age
from kagents_tui.rows.cells import Cell, Tone, cell
from kagents_tui.rows.teams import Team, money
from kagents_tui.widgets.bar import Bar
from kagents_tui.widgets.layout import cells_wide, first_that_fit

if TYPE_CHECKING:
    from kagents_tui.app import KagentsApp
    from kagents_tui.widgets.prompt import Prompt

MESSAGE_SECONDS = 8.0
ALWAYS = (cell(":", "accent"), cell(" command  ", "dim"), cell("?", "accent"), cell(" help ", "dim"))
"""The right end of the key line, on every screen."""


TYPING = ("command", "filter", "search")
"""Actions after which a person types on: they are done before the next key is given to anyone."""


def bindings(screen: str) -> list[BindingType]:
    """Textual bindings of a screen, from the registry."""
    return [
        Binding(
            ",".join(action.keys),
            f"act('{action.id}')",
            action.title,
            show=False,
            priority=action.id in TYPING,
        )
        for action in of_screen(screen)
        if action.keys and action.id not in ("quit", "interrupt")
    ]


class Frame(Screen[None], inherit_bindings=False):
    """A screen between its bars. ``kind`` names its entry in ``actions.SCREENS``."""

    kind: ClassVar[str] = "document"
    DEFAULT_CSS = """
    Frame { layout: vertical; }
    Frame #body { height: 1fr; }
    """

    def __init__(self) -> None:
        super().__init__()
        self._composed = False
        self._message: Cell | None = None
        self._opening: AwaitMount | None = None

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
        rule = self.kagents.symbols.rule
        self.query_one("#rule", Bar).show([cell(f"{rule} ", "dim"), *self.crumbs(), cell(" ", "dim")], ())
        message = [cell(f"{rule} ", "dim"), self._message, cell(" ")] if self._message else []
        self.query_one("#message", Bar).show(message)
        self.query_one("#keys", Bar).show(self.key_cells(), ALWAYS)

    def title_cells(self) -> Sequence[Cell]:
        """The left of the title line: where we are connected, and the totals."""
        app = self.kagents
        teams, working, spent, _ = app.totals()
        where = app.connection.context if app.connection else app.status
        spaces = " ".join(app.namespaces) if app.namespaces else "all namespaces"
        head = [
            cell(" kagents ", "accent"),
            cell(f" {where} ", "strong" if app.connection else "warn"),
            cell(f" {spaces} ", "dim"),
        ]
        counts = [
            cell(f" {teams} team{'' if teams == 1 else 's'}"),
            cell(f" {app.symbols.dot} {working} working"),
            cell(f" {app.symbols.dot} {money(spent)}"),
        ]
        return first_that_fit([*head, *counts], self.size.width - cells_wide(self.badges()))

    def badges(self) -> Sequence[Cell]:
        """The right of the title line: what is wrong, and how many need a person."""
        app = self.kagents
        shown: list[Cell] = []
        if app.trouble:
            shown.append(cell(f" {app.symbols.failed} {app.trouble[:60]} ", "bad"))
        elif app.link is not None and not app.link.connected:
            why = f": {app.link.error[:50]}" if app.link.error else ""
            shown.append(cell(f" {app.symbols.failed} lost {age(app.now(), app.link.since)}{why} ", "bad"))
        if app.options.read_only:
            shown.append(cell(" [read-only] ", "accent"))
        attention = app.totals()[3]
        if attention:
            verb = "needs" if attention == 1 else "need"
            shown.append(cell(f" {app.symbols.person} {attention} {verb} you ", "warn"))
        return shown

    def crumbs(self) -> Sequence[Cell]:
        """The way to this screen."""
        return ()

    def key_cells(self) -> Sequence[Cell]:
        """The keys of the footer; those that may not be used are dim and in brackets."""
        namespace = self.focus_namespace()
        shown: list[Cell] = []
        for action in of_screen(self.kind, read_only=self.kagents.options.read_only):
            if action.footer and action.id not in ("command", "help"):
                off = bool(namespace is not None and self.kagents.permissions.refusal(action, namespace))
                key = f"({key_words(action)})" if off else key_words(action)
                shown += [cell(f" {key}", "dim" if off else "accent"), cell(f" {action.title} ", "dim")]
        return first_that_fit(shown, self.size.width - cells_wide(ALWAYS), together=2)

    # Actions

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

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """In read-only mode the keys that change something are not bound at all; a line takes every key."""
        if action == "act" and parameters and parameters[0] in TYPING and self.query("#prompt"):
            return False
        if action == "act" and parameters and self.kagents.options.read_only:
            return not BY_ID[str(parameters[0])].mutates
        return True

    async def action_act(self, name: str) -> None:
        """A key of the registry was pressed."""
        self.perform(BY_ID[name], ())
        if self._opening is not None:
            await self._opening
            self._opening = None
            self.set_focus(self.query_one("#prompt"))

    def perform(self, action: Action, arguments: tuple[str, ...]) -> None:
        """Carries an action out: a method ``do_<id>`` of the screen, or an act on the selected team."""
        method: Callable[[Any], None] | None = getattr(self, f"do_{action.id}", None)
        if method is not None:
            method(arguments)
        elif action.target != "nothing":
            self.act_on_team(action, arguments)

    def act_on_team(self, action: Action, arguments: tuple[str, ...]) -> None:
        """Starts an act on the selected team, or on the one that the command line names."""
        team = self.named_team(arguments[0]) if arguments else self.selected()
        if team is None:
            why = "there is no such team here" if arguments else "choose a team first"
            self.say(cell(f"{action.title}: {why}").text, "warn")
            return
        from kagents_tui.acting import act

        same = not arguments
        self.kagents.run_worker(
            act(
                self.kagents,
                action,
                team,
                event=self.selected_event() if same else None,
                agent=self.selected_agent() if same else None,
            ),
            group="acts",
            exit_on_error=False,
        )

    def named_team(self, name: str) -> Team | None:
        """A team by ``namespace/name``, or by a name that only one team has."""
        teams = self.kagents.teams
        if "/" in name:
            space, _, rest = name.partition("/")
            return teams.get((space, rest))
        found = [team for key, team in teams.items() if key[1] == name]
        return found[0] if len(found) == 1 else None

    def do_teams(self, arguments: tuple[str, ...]) -> None:
        """Back to the list of teams."""
        while len(self.kagents.screen_stack) > 2:
            self.kagents.pop_screen()

    def do_gates(self, arguments: tuple[str, ...]) -> None:
        """To the gates."""
        from kagents_tui.screens.gates import GatesScreen

        if not isinstance(self, GatesScreen):
            self.kagents.push_screen(GatesScreen())

    def do_namespace(self, arguments: tuple[str, ...]) -> None:
        """Shows other namespaces."""
        if not arguments:
            self.say(cell("ns: name one or more namespaces, or `all`").text, "warn")
            return
        self.do_teams(())
        self.kagents.show_namespaces(() if "all" in arguments else tuple(dict.fromkeys(arguments)))

    def do_context(self, arguments: tuple[str, ...]) -> None:
        """Connects to another context."""
        known = self.kagents.connector.contexts()
        if len(arguments) != 1 or arguments[0] not in known:
            self.say(cell(f"ctx: name one of {', '.join(known) or 'no contexts'}").text, "warn")
            return
        self.do_teams(())
        self.kagents.connect(arguments[0])

    def do_help(self, arguments: tuple[str, ...]) -> None:
        """Every key of this screen."""
        from kagents_tui.screens.help import HelpScreen

        self.kagents.push_screen(HelpScreen(self.kind))

    def do_back(self, arguments: tuple[str, ...]) -> None:
        """One screen back; the first one says how to quit."""
        if len(self.kagents.screen_stack) > 2:
            self.kagents.pop_screen()
        else:
            self.say(cell("this is the first view; :quit or ctrl-q quits, teams keep running").text, "dim")

    def do_quit(self, arguments: tuple[str, ...]) -> None:
        """Quits at once."""
        self.kagents.exit()

    # The prompt

    def do_command(self, arguments: tuple[str, ...]) -> None:
        """Opens the command line."""
        self.open_prompt("command", "")

    def open_prompt(self, purpose: str, text: str) -> None:
        """Opens the line for typing above the keys."""
        from kagents_tui.widgets.prompt import Prompt

        if self.query("#prompt"):
            return
        prompt = Prompt(
            purpose,  # type: ignore[arg-type]  # one of the three purposes; callers are in this package
            text,
            self.completions if purpose == "command" else lambda value: [],
            self.kagents.history if purpose == "command" else [],
        )
        # Awaited by ``action_act`` before the next key is looked at: typing must not reach the keys of acts.
        self._opening = self.mount(prompt, before="#keys")

    def completions(self, text: str) -> list[str]:
        """Whole command lines for what is typed."""
        app = self.kagents
        return complete(
            text,
            namespaces=sorted({key[0] for key in app.teams}),
            contexts=app.connector.contexts() if text.startswith(("ctx", "context")) else (),
            teams=[f"{space}/{name}" for space, name in sorted(app.teams)],
            read_only=app.options.read_only,
        )

    def on_prompt_typed(self, event: "Prompt.Typed") -> None:
        """What was typed is a command, a filter or a search."""
        event.stop()
        if event.done:
            self.query("#prompt").remove()
            self.focus_body()
        if event.purpose == "command":
            if event.done and event.text:
                self.run_command(event.text)
        else:
            self.typed(event.purpose, event.text, event.done)

    def run_command(self, text: str) -> None:
        """Carries a command line out."""
        try:
            command = parse(text, read_only=self.kagents.options.read_only)
        except CommandError as error:
            self.say(cell(str(error)).text, "warn")
            return
        self.perform(command.action, command.arguments)

    def typed(self, purpose: str, text: str | None, done: bool) -> None:
        """A filter or a search was typed; None: given up."""

    def focus_body(self) -> None:
        """Gives the focus back to the body."""
