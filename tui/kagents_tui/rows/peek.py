"""What a person should see before answering: the exact tool call, plan or question, the gate, the mail."""

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from kagents_core.asks import Question, questions_of
from kagents_core.safetext import SafeText, clean
from kagents_core.wording import in_words
from kagents_tui.artifact_states import starts_after
from kagents_tui.rows.ages import clock
from kagents_tui.rows.fields import line, mapping, metered, moment, sequence
from kagents_tui.rows.gates import gate_story
from kagents_tui.rows.waiting import Waiting

TEXT_LIMIT: Final = 60_000
MODES: Final = (
    ("edits", "edits to files go without asking, other tools are asked for"),
    ("everything", "no tool is asked for any more"),
    ("each", "every tool is asked for"),
)
"""How an agent may work once its plan is approved, in the order of the digits 1 to 3."""


def ask_story(entry: Mapping[str, Any], picked: Sequence[Iterable[int]] = (), at: int = 0) -> SafeText:
    """An ``ask`` entry of the journal in full.

    ``picked`` holds the chosen options of each question; ``at`` is the question that is chosen for.
    """
    given = mapping(entry.get("input"))
    if entry.get("ask") == "plan":
        text = str(given.get("plan") or "(the plan is empty)")
    elif entry.get("ask") == "question":
        text = "\n".join(
            _question(each, number, picked, at) for number, each in enumerate(questions_of(given))
        )
    else:
        text = f"tool: {line(entry.get('tool'), 100)}\n" + "\n".join(_field(*each) for each in given.items())
    if entry.get("cut") is True:
        text += "\n\n(too long to be shown whole: what is cut is marked)"
    return clean(text, limit=TEXT_LIMIT)


def _field(name: str, value: object) -> str:
    if not isinstance(value, str):
        return f"{line(name, 100)}: {json.dumps(value, ensure_ascii=False, indent=2)}"
    if "\n" not in value:
        return f"{line(name, 100)}: {value}"
    body = "\n".join(f"  {each}" for each in value.split("\n"))
    return f"{line(name, 100)}:\n{body}"


def _question(question: Question, number: int, picked: Sequence[Iterable[int]], at: int) -> str:
    chosen = set(picked[number]) if number < len(picked) else set()
    several = " (several may be chosen)" if question.multiple else ""
    here = "" if number != at else "  <- choose here" if len(picked) > 1 else ""
    lines = [f"{question.text}{several}{here}", ""]
    for index, (label, description) in enumerate(question.options, 1):
        mark = "[x]" if index in chosen else "[ ]"
        more = f" - {description}" if description and description != label else ""
        lines.append(f"  {index} {mark} {label}{more}")
    return "\n".join([*lines, ""])


def gate_peek(item: Waiting, entries: Iterable[Mapping[str, Any]]) -> SafeText:
    """The gate's story, and what those have reported that the waiting teammate depends on."""
    team = item.team.object()
    name = item.need.event.removeprefix("spawn-")
    after: set[str] = set()
    for each in map(mapping, sequence(mapping(team.get("spec")).get("teammates"))):
        if each.get("name") == name:
            after = set(starts_after(each))
    told = [produced for entry in entries if (produced := _produced(entry, after))]
    head = ["", "", f"what {', '.join(sorted(after)) or 'others'} produced"]
    story = [str(gate_story(team, item.need.event)), *head, *(told or ["nothing was reported"])]
    return clean("\n".join(story), limit=TEXT_LIMIT)


def _produced(entry: Mapping[str, Any], agents: set[str]) -> str:
    """A report, an artifact or a completed task of one of the agents (none given: of anybody)."""
    if entry.get("kind") == "request" and entry.get("request") == "report":
        agent = str(entry.get("agent"))
        if not agents or agent in agents:
            return f"- {agent} reports {entry.get('key')}: {entry.get('value')}"
    if entry.get("kind") == "artifact" and (not agents or entry.get("agent") in agents):
        how = f"was to leave {entry.get('path')}: {entry['problem']}" if entry.get("problem") else "made it"
        return f"- {entry.get('agent')}/{entry.get('name')}: {entry.get('agent')} {how}"
    task = mapping(entry.get("task"))
    owner = str(task.get("owner"))
    if (
        entry.get("kind") == "task"
        and task.get("status") == "completed"
        and "status" in sequence(entry.get("changed"))
        and (not agents or owner in agents)
    ):
        return f"- {owner} completed task {task.get('id')}: {task.get('subject')}"
    return ""


def mail_story(agent: str, entries: Iterable[Mapping[str, Any]]) -> SafeText:
    """The mail that an agent has not looked at, the oldest first; from the journal's mail entries."""
    lying: dict[str, Mapping[str, Any]] = {}
    for entry in entries:
        note_mail(lying, agent, entry)
    found = [
        f"{clock(moment(each.get('written')))}  {line(each.get('from'), 100)} -> {agent}"
        f"{'  ' + line(each.get('summary'), 200) if each.get('summary') else ''}\n{in_words(each)}\n"
        for each in lying.values()
    ]
    return clean("\n".join(found) or "it has been looked at meanwhile", limit=TEXT_LIMIT)


def note_mail(lying: dict[str, Mapping[str, Any]], agent: str, entry: Mapping[str, Any]) -> None:
    """Takes one journal entry into what lies unread."""
    if entry.get("kind") == "message":
        if entry.get("to") == agent and entry.get("type") in ("message", "task_assignment"):
            lying[str(entry.get("id"))] = entry
    elif entry.get("kind") == "seen":
        lying.pop(str(entry.get("id")), None)


def plain_story(item: Waiting) -> SafeText:
    """What the object itself tells of a need that nobody can answer: failed, silent, restarts, budget."""
    status = mapping(item.team.object().get("status"))
    lines = [str(item.need.text), ""]
    for each in map(mapping, sequence(status.get("activity"))):
        if line(each.get("agent")) == item.need.agent:
            lines.append(f"{item.need.agent}: {line(each.get('state'))} since {line(each.get('since'))}")
            lines += [f"  {line(each.get('detail'), 1000)}"] if each.get("detail") else []
            lines += [f"  task {line(each.get('task'))} in progress"] if each.get("task") else []
    for condition in map(mapping, sequence(status.get("conditions"))):
        if condition.get("message") and line(condition.get("message")) != item.need.text:
            lines.append(f"{line(condition.get('type'))}: {line(condition.get('message'))}")
    cost, limit = status.get("estimatedCost"), item.team.budget
    if cost:
        sign = "" if metered(status.get("usage")) else "~"
        lines.append(f"cost: {sign}${line(cost)}" + (f" of ${limit / 1_000_000:.2f}" if limit else ""))
    return clean("\n".join(lines), limit=TEXT_LIMIT)
