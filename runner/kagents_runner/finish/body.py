"""The text of the request: summary, tasks, cost, and what each agent committed."""

from typing import Final

from kagents_core.safetext import clean
from kagents_runner.documents import TeamDocument
from kagents_runner.finish.documents import Merged
from kagents_runner.finish.request import marker

_LIMIT: Final = 60_000
"""GitHub takes 65,536 characters."""
_SUMMARY_LIMIT: Final = 20_000
_ENTITIES: Final = str.maketrans({"&": "&amp;", "<": "&lt;", "@": "&#64;", "#": "&#35;"})


def body_of(team: TeamDocument, merged: Merged) -> str:
    """Markdown, at most 60,000 characters; what agents wrote can mention nobody and holds no HTML."""
    parts = [f"Work of the agent team **{team.name}** (`{team.namespace}`)."]
    if merged.summary:
        parts.append("## Summary\n\n" + harmless(merged.summary[:_SUMMARY_LIMIT], lines=True))
    facts = [f"{merged.files} file{'' if merged.files == 1 else 's'} changed"]
    facts += [fact for fact in (merged.tasks, merged.cost) if fact]
    parts.append("## Facts\n\n" + "\n".join(f"- {fact}" for fact in facts))
    commits = []
    for work in merged.work:
        more = work.commits - len(work.subjects)
        commits.append(f"**{work.agent}** (`{work.commit[:12]}`)")
        commits += [f"- {harmless(subject)}" for subject in work.subjects]
        commits += [f"- and {more} more"] if more > 0 else []
        if work.outside:
            fate = "taken out" if work.reverted else "kept"
            commits.append(f"- **outside its scope, {fate}:** {harmless(', '.join(work.outside))}")
        commits.append("")
    if commits:
        parts.append("## Commits\n\n" + "\n".join(commits).rstrip())
    text = "\n\n".join(parts)
    return text[:_LIMIT] + "\n\n" + marker(team.uid)


def harmless(text: str, *, lines: bool = False) -> str:
    """Text of an agent as Markdown that notifies nobody, closes no issue and hides nothing."""
    return clean(text, limit=_SUMMARY_LIMIT, multiline=lines).translate(_ENTITIES)
