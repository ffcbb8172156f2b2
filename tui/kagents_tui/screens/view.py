"""How a screen carries out what a person asks for: keys of the registry, the command line, going back."""

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Self

from textual.widget import AwaitMount

from kagents_tui import navigation
from kagents_tui.actions import BY_ID, Action
from kagents_tui.actions.bindings import OPENS_TYPING
from kagents_tui.commands import About, CommandError, about_of, complete, named, no_team, parse, request_of
from kagents_tui.places import History, Look, Place
from kagents_tui.rows.cells import cell
from kagents_tui.rows.teams import Team
from kagents_tui.screens.finding import Finding
from kagents_tui.screens.frame import Frame
from kagents_tui.screens.spanning import Spanning

if TYPE_CHECKING:
    from kagents_tui.widgets.prompt import Prompt


class View(Finding, Spanning, Frame, inherit_bindings=False):
    """A screen that does things. An action ``x`` is the method ``do_x``, or an act on the selected team."""

    def __init__(self) -> None:
        super().__init__()
        self._opening: AwaitMount | None = None
        self._wanted = Look()

    # Where it is in the history of views

    @classmethod
    def at(cls, place: Place) -> Self:
        """The screen that shows a place; a drilled view reads ``place.about``."""
        screen = cls()
        screen._wanted = place.look
        return screen

    def place(self) -> Place | None:
        """The place that this screen shows; None when the history does not remember it."""
        return Place(self.kind, look=self.look()) if navigation.screen_class(self.kind) else None

    def look(self) -> Look:
        """How it is looked at now: filter, order, columns."""
        return self._wanted

    def arrive(self, look: Look) -> None:
        """Looks at it in this way: after it was made, and when a person comes back by a command or a key."""
        self._wanted = look

    def on_mount(self) -> None:
        super().on_mount()
        self.arrive(self._wanted)

    # Keys and commands

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """In read-only mode the keys that change something are not bound at all; a line takes every key."""
        if action == "act" and parameters and parameters[0] in OPENS_TYPING and self.query("#prompt"):
            return False
        if action == "act" and parameters and self.kagents.options.read_only:
            return not BY_ID[str(parameters[0])].mutates
        return True

    async def action_act(self, name: str, number: int = 0) -> None:
        """A key of the registry was pressed, its ``number``-th one."""
        action = BY_ID[name]
        self.perform(action, (str(number),) if action.numbered else ())
        if self._opening is not None:
            await self._opening
            self._opening = None
            self.set_focus(self.query_one("#prompt"))

    def perform(self, action: Action, arguments: tuple[str, ...]) -> None:
        """Carries an action out: a method ``do_<id>`` of the screen, or an act on the selected team."""
        method: Callable[[Any], None] | None = getattr(self, f"do_{action.id}", None)
        if method is not None:
            method(arguments)
        elif action.opens and action.target == "team" and not self.is_of_all(action, arguments):
            self.open_of_team(action, arguments)
        elif action.opens:
            self.open_kind(action, arguments)
        elif action.target != "nothing":
            self.act_on_team(action, arguments)

    def open_of_team(self, action: Action, arguments: tuple[str, ...]) -> None:
        """Shows a view of the selected team, or of the one that the command line names."""
        chosen, found = navigation.screen_class(action.id), self._asked_for(action, arguments)
        if chosen is None or found is None:
            return
        team, about = found
        if not (self.kind == action.id and team.key == getattr(self, "key", None)):
            look = Look(filter=about.filter or "")
            navigation.drill(self.kagents, chosen.at(Place(action.id, team.key, look)))
        elif about.filter is not None:
            self.arrive(replace(self.look(), filter=about.filter))

    def act_on_team(self, action: Action, arguments: tuple[str, ...]) -> None:
        """Starts an act on the selected team, or on the one that the command line names."""
        found = self._asked_for(action, arguments)
        if found is None:
            return
        from kagents_tui.acting import act

        team, about = found
        event, agent = (None, about.agent) if about.team else (self.selected_event(), self.selected_agent())
        doing = act(self.kagents, action, team, event=event, agent=agent)
        self.kagents.run_worker(doing, group="acts", exit_on_error=False)

    def _asked_for(self, action: Action, arguments: tuple[str, ...]) -> tuple[Team, About] | None:
        """The team that the command line names, or the selected one; without any, that is said."""
        try:
            about = about_of(action, arguments)
        except CommandError as error:
            self.say(cell(str(error)).text, "warn")
            return None
        team = self.named_team(about.team) if about.team else self.selected()
        why = no_team(about.team, self.kagents.teams) if about.team else "choose a team first, or name it"
        if team is not None and (about.agent is None or about.agent in self._agents_of(team)):
            return team, about
        if team is not None:
            why = f"{about.team} has no agent {about.agent!r}; it has {', '.join(self._agents_of(team))}"
        self.say(cell(f"{action.title}: {why}").text, "warn")
        return None

    def _agents_of(self, team: Team | None) -> list[str]:
        from kagents_tui.journal_view import JournalView
        from kagents_tui.rows.agents import agents_of

        return [str(each.name) for each in agents_of(team.object(), JournalView())] if team else []

    def named_team(self, name: str) -> Team | None:
        """A team by ``namespace/name``, or by a name that only one team has."""
        return named(name, self.kagents.teams)

    def open_kind(self, action: Action, arguments: tuple[str, ...]) -> None:
        """Shows the list of a kind: of other namespaces, filtered, of another context, as the line asks."""
        app = self.kagents
        try:
            request = request_of(arguments)
        except CommandError as error:
            self.say(cell(str(error)).text, "warn")
            return
        if request.context is not None and request.context not in app.connector.contexts():
            known = ", ".join(app.connector.contexts()) or "no contexts"
            why = f"{action.id}: there is no context {request.context!r}; known: {known}"
            self.say(cell(why).text, "warn")
            return
        navigation.go(
            app, Place(action.across or action.id, look=Look(filter=request.filter, labels=request.labels))
        )
        if request.context is not None:
            app.connect(request.context, request.namespaces)
        elif request.namespaces is not None:
            self.show_namespaces(request.namespaces)

    def do_namespace(self, arguments: tuple[str, ...]) -> None:
        """Shows other namespaces; without a name, the list of them."""
        if arguments:
            self.show_namespaces(request_of(arguments).namespaces or ())
        else:
            navigation.go(self.kagents, Place("namespace"))

    def show_namespaces(self, names: tuple[str, ...]) -> None:
        """Shows these namespaces alone (none: all); each has a digit from now on."""
        for name in names:
            self.kagents.favourites.use(name)
        self.kagents.show_namespaces(names)
        self.refresh_bars()

    def do_context(self, arguments: tuple[str, ...]) -> None:
        """Connects to another context; without a name, the list of them."""
        known = self.kagents.connector.contexts()
        if not arguments:
            navigation.go(self.kagents, Place("context"))
        elif len(arguments) != 1 or arguments[0] not in known:
            self.say(cell(f"ctx: name one of {', '.join(known) or 'no contexts'}").text, "warn")
        else:
            self.change_context(arguments[0])

    def change_context(self, name: str) -> None:
        """Leaves this context for another one, and shows its teams."""
        navigation.go(self.kagents, Place(navigation.ROOT))
        self.kagents.connect(name)

    # The history of views

    def do_older_view(self, arguments: tuple[str, ...]) -> None:
        """Back in the history."""
        self._travel(lambda history: history.step(-1), "this is the first view of the history")

    def do_newer_view(self, arguments: tuple[str, ...]) -> None:
        """Ahead in the history."""
        self._travel(lambda history: history.step(+1), "this is the latest view of the history")

    def do_last_view(self, arguments: tuple[str, ...]) -> None:
        """There and back."""
        self._travel(History.swap, "there was no view before this one")

    def _travel(self, step: Callable[[History], Place | None], otherwise: str) -> None:
        navigation.remember(self.kagents)
        place = step(self.kagents.places)
        if place is None:
            self.say(cell(otherwise).text, "dim")
        else:
            navigation.show(self.kagents, place)

    def do_help(self, arguments: tuple[str, ...]) -> None:
        """Every key of this screen."""
        from kagents_tui.screens.help import HelpScreen

        self.kagents.push_screen(HelpScreen(self.kind))

    def do_back(self, arguments: tuple[str, ...]) -> None:
        """One screen back; the first one says how to quit."""
        if len(self.kagents.screen_stack) > 2:
            navigation.leave(self.kagents)
        else:
            quits = f":quit or {self.kagents.keymap.words('quit')} quits"
            self.say(cell(f"this is the first view; {quits}, teams keep running").text, "dim")

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
            namespaces=sorted(app.favourites.known),
            contexts=app.connector.contexts() if "@" in text or text.startswith(("ctx", "context")) else (),
            teams=[f"{space}/{name}" for space, name in sorted(app.teams)],
            agents=lambda name: self._agents_of(self.named_team(name)),
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
