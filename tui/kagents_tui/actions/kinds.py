"""The kinds of the command line: each opens a list over all teams, in a screen of its own.

A kind joins by one line here or in a module beside this one: its name after ``:``, its help, the screen's
``module:Class``. The class is a ``View`` that is made without arguments; ``View.arrive`` gives it what was
asked for.
"""

from typing import Final

from kagents_tui.actions.action import Action, Scope

GRAMMAR: Final = "[NAMESPACE…] [LABEL=VALUE…] [/FILTER] [@CONTEXT]"
"""What may follow a kind."""


def kind(
    name: str,
    opens: str,
    text: str,
    *,
    keys: tuple[str, ...] = (),
    scopes: tuple[Scope, ...] = ("everywhere",),
    aliases: tuple[str, ...] = (),
) -> Action:
    """A kind of the command line, ``:name``. ``scopes`` say where its ``keys``, if any, are bound."""
    return Action(
        name, keys, name, text, scopes, command=name, argument=GRAMMAR, opens=opens, aliases=aliases
    )


KINDS: Final = (
    kind(
        "teams",
        "kagents_tui.screens.teams:TeamsScreen",
        "All teams, what needs a person first",
        aliases=("t", "team", "agentteams", "at"),
    ),
    kind(
        "gates",
        "kagents_tui.screens.gates:GatesScreen",
        "Every gate that waits, across all teams",
        keys=("v",),
        scopes=("teams",),
        aliases=("gate", "g"),
    ),
    kind(
        "agents",
        "kagents_tui.screens.agents:AgentsScreen",
        "Agents of all teams: what each does, since when, its unread mail",
        aliases=("agent", "a"),
    ),
    kind(
        "artifacts",
        "kagents_tui.screens.artifacts:ArtifactsScreen",
        "What agents have made for others, across all teams: kept, missing, still to come",
        aliases=("artifact", "art"),
    ),
    kind(
        "runs",
        "kagents_tui.screens.runs:RunsScreen",
        "Runs of templates",
        aliases=("run", "agentteamruns", "atr"),
    ),
    kind(
        "templates",
        "kagents_tui.screens.templates:TemplatesScreen",
        "Templates of teams; enter shows the runs of one",
        aliases=("template", "agentteamtemplates", "att"),
    ),
    kind(
        "budgets",
        "kagents_tui.screens.budgets:BudgetsScreen",
        "Budgets over several teams: what is spent, what they hold back, when they begin anew",
        aliases=("budget", "agentbudgets", "ab"),
    ),
    kind(
        "cost",
        "kagents_tui.screens.cost:CostScreen",
        "What each team has cost, also teams that are gone; enter shows the team or its record",
        aliases=("costs", "usage", "agentusages", "au"),
    ),
    kind(
        "events",
        "kagents_tui.screens.events:EventsScreen",
        "Kubernetes events about the objects of kagents, the latest first",
        aliases=("event", "ev"),
    ),
)
