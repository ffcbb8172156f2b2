"""What a team leaves, as lines of a description: results, artifacts, and what webhooks were told."""

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any, Final

from kagents_core.safetext import SafeText
from kagents_tui.artifact_states import Artifact, artifacts_of
from kagents_tui.rows.ages import age
from kagents_tui.rows.fields import line, mapping, moment, sequence, whole
from kagents_tui.rows.sizes import size

VALUE_LIMIT: Final = 300
MOST_NOTIFICATIONS: Final = 20
"""The latest: a team of many agents tells a great deal in its life."""


def results(team: Mapping[str, Any]) -> Iterator[str]:
    """What agents have reported; nothing for a team in which none has."""
    found = [mapping(each) for each in sequence(mapping(team.get("status")).get("results"))]
    if found:
        yield from ("", "Results:")
    for each in found:
        yield f"  {line(each.get('agent'), 100)}:"
        for key, value in mapping(each.get("values")).items():
            yield f"    {line(key, 63)}: {line(value, VALUE_LIMIT)}"


def artifacts(team: Mapping[str, Any], now: datetime) -> Iterator[str]:
    """What agents make for others; nothing for a team that declares nothing."""
    found = artifacts_of(team)
    if found:
        yield from ("", "Artifacts:")
    for each in found:
        yield f"  {line(each.source, 130)}: {state_words(each)}  {line(each.path, 255)}"
        if each.state == "kept":
            yield f"    sha256 {line(each.sha256, 64)}, {age(now, moment(each.at))} ago"


def state_words(artifact: Artifact) -> SafeText:
    """How it stands, in a few words; of one that is missing the reason."""
    if artifact.state == "missing":
        return line(f"missing: {artifact.problem}", 420)
    if artifact.state == "ahead":
        return line("when its agent has ended")
    files = f", {artifact.files} files" if artifact.folder else ""
    return line(f"{size(artifact.size)}{files}")


def notifications(team: Mapping[str, Any], now: datetime) -> Iterator[str]:
    """What webhooks were told lately, and whether it arrived; nothing for a team without webhooks."""
    found = [mapping(each) for each in sequence(mapping(team.get("status")).get("notifications"))]
    if found:
        yield from ("", "Notifications:")
    if len(found) > MOST_NOTIFICATIONS:
        yield f"  {len(found) - MOST_NOTIFICATIONS} earlier ones are in the object"
    for each in found[-MOST_NOTIFICATIONS:]:
        at = moment(each.get("at")) or moment(each.get("lastAttemptAt"))
        what = line(each.get("event"), 100)
        about = f" {line(each.get('subject'), 100)}" if each.get("subject") else ""
        tried = whole(each.get("attempts"))
        often = f" after {tried} attempts" if tried > 1 else ""
        yield f"  {age(now, at):>5}  {line(each.get('state'), 20)}{often}  {what}{about}"
        if each.get("message") and each.get("state") != "sent":
            yield f"         {line(each.get('message'), VALUE_LIMIT)}"
