"""The description of a team in words, as ``kubectl describe`` gives it: facts, agents, conditions, events."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from kagents_core.safetext import SafeText, clean
from kagents_tui.journal_view import JournalView
from kagents_tui.rows import delivery, leavings
from kagents_tui.rows.agents import agents_of
from kagents_tui.rows.ages import age
from kagents_tui.rows.fields import line, mapping, metered, moment, sequence
from kagents_tui.rows.instructions import instructions, plugins


def describe(team: Mapping[str, Any], events: Sequence[Mapping[str, Any]], now: datetime) -> SafeText:
    """Everything a person may want to know of a team, one fact a line."""
    metadata, spec, status = (mapping(team.get(part)) for part in ("metadata", "spec", "status"))
    lifecycle, tasks = mapping(spec.get("lifecycle")), mapping(status.get("tasks"))
    limit, created = lifecycle.get("budgetLimit"), metadata.get("creationTimestamp")
    lines = [
        f"Name:        {line(metadata.get('name'))}",
        f"Namespace:   {line(metadata.get('namespace'))}",
        f"UID:         {line(metadata.get('uid'))}",
        f"Created:     {line(created)} ({age(now, moment(created))} ago)",
        f"Phase:       {line(status.get('phase') or 'Pending')}",
        f"Ready:       {line(status.get('ready') or '-')}",
        f"Started:     {line(status.get('startedAt') or '-')}",
        f"Completed:   {line(status.get('completedAt') or '-')}",
        f"Timeout:     {line(lifecycle.get('timeout') or '4h')}",
        f"Cost:        {cost(status)}" + (f" of ${line(limit)}" if limit else ""),
        f"Tasks:       {line(tasks.get('completed') or 0)} of {line(tasks.get('total') or 0)} done",
        f"Place:       {line(place(spec))}",
        *delivery.facts(team),
    ]
    if status.get("result"):
        lines.append(f"Result:      {line(status.get('result'), 2000)}")
    lines += ["", "Agents:"]
    for agent in agents_of(team, JournalView()):
        mark = "  [simulated]" if agent.simulated else f"  {agent.model}" if agent.model else ""
        lines.append(f"  {agent.name}: {agent.phase} {agent.state}{mark}")
        if agent.waiting_for:
            lines.append(f"    waits for {agent.waiting_for}")
        if agent.depends_on:
            lines.append(f"    depends on {', '.join(agent.depends_on)}")
        if agent.restarts:
            lines.append(f"    restarted {agent.restarts}x")
    lines += [*instructions(team), *plugins(team)]
    lines += [*leavings.results(team), *leavings.artifacts(team, now)]
    conditions = sequence(status.get("conditions"))
    lines += ["", "Conditions:", *([] if conditions else ["  none"])]
    for each in map(mapping, conditions):
        lines.append(f"  {line(each.get('type'))}: {line(each.get('status'))} {line(each.get('reason'))}")
        if each.get("message"):
            lines.append(f"    {line(each.get('message'))}")
    lines += [*leavings.notifications(team, now), "", "Events:"]
    lines += [event_line(event, now) for event in events] or ["  none"]
    return clean("\n".join(lines), limit=500_000)


def cost(status: Mapping[str, Any]) -> str:
    """What the team has cost, and whether anybody has counted it."""
    spent = status.get("estimatedCost")
    if not spent:
        return "$0.00"
    return f"${line(spent)} ({'metered' if metered(status.get('usage')) else 'estimated'})"


def event_line(event: Mapping[str, Any], now: datetime) -> str:
    """One Kubernetes event."""
    at = moment(event.get("lastTimestamp")) or moment(event.get("eventTime"))
    kind, reason = line(event.get("type")), line(event.get("reason"))
    return f"  {age(now, at):>5}  {kind:<8} {reason:<22} {line(event.get('message'))}"


def place(spec: Mapping[str, Any]) -> str:
    """Where the team works."""
    repository = mapping(spec.get("repository"))
    if repository:
        return f"{repository.get('url')} ({repository.get('branch') or 'main'})"
    output = mapping(mapping(spec.get("workspace")).get("output"))
    return f"workspace, output at {output.get('mountPath') or '/workspace/output'}"


def as_yaml(team: Mapping[str, Any]) -> SafeText:
    """The object as YAML."""
    import yaml

    dumper = getattr(yaml, "CSafeDumper", yaml.SafeDumper)
    text = yaml.dump(dict(team), Dumper=dumper, sort_keys=False, allow_unicode=True, width=100)
    return clean(text, limit=2_000_000)


def describe_object(
    source: Mapping[str, Any], events: Sequence[Mapping[str, Any]], now: datetime
) -> SafeText:
    """Any other object in words: who it is, its plain fields, conditions and events."""
    metadata, spec, status = (mapping(source.get(part)) for part in ("metadata", "spec", "status"))
    created = metadata.get("creationTimestamp")
    lines = [
        f"Kind:        {line(source.get('kind'))}",
        f"Name:        {line(metadata.get('name'))}",
        f"Namespace:   {line(metadata.get('namespace'))}",
        f"UID:         {line(metadata.get('uid'))}",
        f"Created:     {line(created)} ({age(now, moment(created))} ago)",
    ]
    labels = mapping(metadata.get("labels"))
    lines += [f"Label:       {line(key, 100)}={line(value, 100)}" for key, value in labels.items()]
    for title, part in (("Spec", spec), ("Status", status), ("Fields", _plain_fields(source))):
        plain = {name: value for name, value in part.items() if isinstance(value, (str, int, float, bool))}
        if plain:
            lines += ["", f"{title}:"]
            lines += [f"  {line(name, 60)}: {line(value, 500)}" for name, value in plain.items()]
    conditions = [mapping(each) for each in sequence(status.get("conditions"))]
    if conditions:
        lines += ["", "Conditions:"]
    for each in conditions:
        lines.append(f"  {line(each.get('type'))}: {line(each.get('status'))} {line(each.get('reason'))}")
        if each.get("message"):
            lines.append(f"    {line(each.get('message'))}")
    lines += ["", "Events:"]
    lines += [event_line(event, now) for event in events] or ["  none"]
    return clean("\n".join(lines), limit=500_000)


def _plain_fields(source: Mapping[str, Any]) -> dict[str, Any]:
    """Fields beside metadata, spec and status, as an event has them."""
    known = ("apiVersion", "kind", "metadata", "spec", "status")
    return {name: value for name, value in source.items() if name not in known}
