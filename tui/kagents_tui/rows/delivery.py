"""A team's delivery in words: one line for its view, facts for a description, the story of a failure."""

from collections.abc import Iterator, Mapping
from typing import Any, Final

from kagents_core.safetext import SafeText, clean
from kagents_tui.delivery_states import Checks, Delivery, delivery_of
from kagents_tui.links import link_of
from kagents_tui.rows.cells import Cell, Scene, cell
from kagents_tui.rows.fields import line, mapping, sequence

STORY_LIMIT: Final = 20_000
SHORT: Final = 12
"""Characters of a commit where there is little room."""


def words(found: Delivery) -> SafeText:
    """How far it is, in a few words."""
    if found.state == "delivered":
        if found.url:
            return line(f"pull request {found.request or 'open'}{_of_checks(found)}", 100)
        return line("pushed" if found.branch else "nothing to push")
    return line(
        {"ahead": "when the agents have ended", "stopped": "not delivered"}.get(found.state, found.state)
    )


def _of_checks(found: Delivery) -> str:
    """How they stand, where there are any, as the end of a sentence; a team that waits for them says so."""
    if found.awaits_checks:
        return ", waiting for its checks"
    known = found.checks
    return f", checks {known.state}" if known and known.state != "none" else ""


def counts(checks: Checks) -> SafeText:
    """The checks in numbers."""
    named = (("passing", checks.passing), ("failing", checks.failing), ("pending", checks.pending))
    told = ", ".join(f"{number} {name}" for name, number in named if number)
    return line(f"{checks.state}: {told}" if told else checks.state, 100)


def remarks(found: Delivery) -> str:
    """What a delivery that was made left to be said: files outside a scope, labels that were refused."""
    return found.message.partition("; ")[2] if found.state == "delivered" else ""


def cells(found: Delivery, scene: Scene) -> list[Cell]:
    """One line: the state, then what people look for, or what is wrong; nothing while the agents work."""
    symbols, said = scene.symbols, cell(words(found))
    if found.state == "ahead":
        return []
    if found.state == "delivered":
        failing = found.checks is not None and found.checks.state == "failing"
        glyph, tone = (symbols.warning, "warn") if failing else (symbols.done, "good")
        shown = [cell(f" {glyph} ", tone), Cell(said.text, tone)]  # type: ignore[arg-type]
        more = remarks(found)
        shown += [cell(f" {symbols.warning} remarks", "warn")] if more else []
        shown += [cell(f"  {line(found.url)}", "accent")] if found.url else []
        shown += [cell(f"  {line(found.branch, 300)}", "strong")] if found.branch else []
        shown += [cell(f" {line(found.commit[:SHORT])}", "dim")] if found.commit else []
        return [*shown, cell(f"  {more}", "warn")] if more else shown
    if found.state == "needs you":
        return [cell(f" {symbols.person} not delivered ", "warn"), cell(found.message)]
    glyph = symbols.failed if found.state == "stopped" else symbols.working
    tone = "bad" if found.state == "stopped" else "accent"
    return [cell(f" {glyph} ", tone), Cell(said.text, tone), cell(f"  {line(found.message)}")]  # type: ignore[arg-type]


def facts(team: Mapping[str, Any]) -> Iterator[str]:
    """Lines of a description: what is delivered where, how far it is, what came of it, who keeps to what."""
    found = delivery_of(team)
    if found is not None:
        yield f"Delivery:    {found.action}: {words(found)}"
        if found.message:
            yield f"  {line(found.message)}"
        for name, value in (("Branch", found.branch), ("Commit", found.commit)):
            if value:
                yield f"{name}:      {line(value, 300)}"
        if found.url:
            yield f"Request:     {line(found.url)} ({line(found.request or 'open', 60)})"
        if found.awaits_checks:
            yield "Checks:      the team waits for them"
        elif found.checks:
            yield f"Checks:      {counts(found.checks)}"
    yield from (f"Scope:       {each}" for each in scopes(team))


def scopes(team: Mapping[str, Any]) -> Iterator[str]:
    """Who may change which paths, and what happens to other changes."""
    for teammate in map(mapping, sequence(mapping(team.get("spec")).get("teammates"))):
        scope = mapping(teammate.get("scope"))
        only = ", ".join(str(each) for each in sequence(scope.get("includePaths")))
        never = ", ".join(str(each) for each in sequence(scope.get("excludePaths")))
        told = [f"only {only}"] * bool(only) + [f"not {never}"] * bool(never)
        if told:
            rule = scope.get("onViolation") or "report"
            yield f"{line(teammate.get('name'), 100)}: {line('; '.join(told), 500)}; else {line(rule, 20)}"


def story(team: Mapping[str, Any]) -> SafeText:
    """What a person should know before it is retried: what failed, what goes where, what is kept."""
    metadata, spec = mapping(team.get("metadata")), mapping(team.get("spec"))
    lifecycle, repository = mapping(spec.get("lifecycle")), mapping(spec.get("repository"))
    found, link = delivery_of(team), link_of(team)
    said = [found.message if found and found.message else "nothing is known of a failure", ""]
    wanted = mapping(lifecycle.get("pullRequest"))
    action = found.action if found else "nothing"
    into = f" into {line(wanted.get('targetBranch') or 'main', 300)}" if action == "create-pr" else ""
    pushes = lifecycle.get("gitCredentialsSecret") or repository.get("credentialsSecret")
    said += [
        f"team        {line(metadata.get('namespace'))}/{line(metadata.get('name'))}",
        f"uid         {line(metadata.get('uid'))}",
        f"delivery    {action}{into}",
        f"repository  {line(repository.get('url'))}",
        f"Secrets     {line(pushes or 'none', 300)} to push"
        + (
            f", {line(lifecycle.get('githubTokenSecret') or pushes or 'none', 300)} for the forge"
            if into
            else ""
        ),
    ]
    said += [f"link        {link.url}"] if link else []
    if found and found.failure and found.failure.retry:
        said.append(f"last retry  {line(found.failure.retry, 63)}")
    said += [f"scope       {each}" for each in scopes(team)]
    said += ["", "Mend the cause first, then retry. Every agent's branch is kept in the team's volume."]
    return clean("\n".join(said), limit=STORY_LIMIT)
