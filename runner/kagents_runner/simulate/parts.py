"""Parts played without a script: a lead that assigns and collects, teammates that deliver."""

from collections.abc import Mapping

from kagents_core.simulation import (
    Claim,
    Complete,
    CreateTask,
    Dismiss,
    Finish,
    Say,
    Send,
    Shutdown,
    Step,
    Use,
    Wait,
    Work,
)
from kagents_runner.documents import AgentDocument, RosterEntry, TeamDocument

LEAD = "lead"


def default_part(team: TeamDocument, agent: AgentDocument) -> tuple[Step, ...]:
    """The steps of this agent when it has no script."""
    entry = team.agent(agent.name)
    made = {each.path: f"# {each.name}\n\nA simulated agent made this.\n" for each in agent.artifacts}
    if entry.role == "lead":
        return tuple(_lead(team, made))
    led = any(other.role == "lead" for other in team.agents)
    return tuple(_teammate(entry, made, led=led))


def _subject(entry: RosterEntry) -> str:
    first = entry.prompt.strip().splitlines()[0] if entry.prompt.strip() else f"Work of {entry.name}"
    return first if len(first) <= 80 else first[:79].rstrip() + "…"


def _sentence(entry: RosterEntry) -> str:
    subject = _subject(entry)
    return subject if subject.endswith((".", "!", "?", "…")) else f"{subject}."


def _in_order(team: TeamDocument) -> list[RosterEntry]:
    """Teammates with every dependency before its dependents."""
    placed: list[RosterEntry] = []
    left = list(team.teammates)
    while left:
        names = {entry.name for entry in placed}
        ready = [entry for entry in left if all(name in names for name in entry.depends_on)] or left
        placed += ready
        left = [entry for entry in left if entry not in ready]
    return placed


def _lead(team: TeamDocument, made: Mapping[str, str]) -> list[Step]:
    mates = _in_order(team)
    steps: list[Step] = [Say("reading the task and the roster"), Use(14_000, 900), Work(1.5, {})]
    steps += [CreateTask(_subject(mate), mate.prompt[:1000], mate.name) for mate in mates]
    first = [mate for mate in mates if not mate.depends_on]
    steps += [_go(mate) for mate in first]
    for mate in mates:
        if mate.depends_on:
            steps.append(_go(mate))
        steps += [
            Wait(mail_from=mate.name, ended=(mate.name,)),
            Say(f"reading the report of {mate.name}"),
            Use(18_000, 700),
            Work(1.0, {}),
            Dismiss(mate.name),
        ]
    if mates:
        steps.append(Wait(ended=tuple(mate.name for mate in mates)))
    names = ", ".join(mate.name for mate in mates) or "nobody else"
    steps += [Work(1.0, made), Finish(f"All reports are in: {names}.")]
    return steps


def _go(mate: RosterEntry) -> Step:
    return Send(mate.name, f"Your task: {_sentence(mate)} Report to me when it is done.", "your task")


def _teammate(entry: RosterEntry, made: Mapping[str, str], *, led: bool) -> list[Step]:
    file = f"{entry.name}.md"
    text = f"# {entry.name}\n\nA simulated agent wrote this.\n\nIts task was: {_subject(entry)}\n"
    steps: list[Step] = [Say("ready")]
    if led:
        steps += [Wait(task=True), Claim()]
    steps += [
        Say(f"working: {_subject(entry)}"),
        Use(22_000, 2_400),
        Work(4.0, {}),
        Say(f"writing {file}"),
        Use(26_000, 3_100),
        Work(3.0, {file: text, **made}),
    ]
    if not led:
        return [*steps, Shutdown("its work is done, and there is no lead to dismiss it")]
    steps += [Complete(), Send(LEAD, f"Done: {_sentence(entry)} The result is in {file}.", "task done")]
    return steps
