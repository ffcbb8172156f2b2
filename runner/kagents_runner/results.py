"""Results of agents: kept where those that start later find them, and filled into their prompts.

An agent's pod alone writes ``results/<agent>.json``; the recorder learns of each by a request. What is in
there was written by an agent, so it is read with limits and cleaned before it becomes part of a prompt.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Final

import orjson

from kagents_core.resultnames import (
    KEY_PATTERN,
    LONGEST_VALUE,
    MOST_KEYS,
    NotAReferenceError,
    Reference,
    filled,
)
from kagents_core.safetext import clean
from kagents_core.teamfiles.files import read_bounded, replace_file
from kagents_core.teamfiles.layout import TeamLayout
from kagents_runner.beginnings import began_at
from kagents_runner.prepare.git import Git
from kagents_runner.requests import request
from kagents_runner.termination import EXIT_NEEDS_A_PERSON, RunnerError

_FILE_LIMIT: Final = 2 * 1024 * 1024
_MOST_PROMPT: Final = 120_000
"""Bytes of a filled prompt: it is one argument of the CLI, and Linux allows 128 KiB."""
_GIT_SECONDS: Final = 30.0


class TooManyResultsError(ValueError):
    """The agent has as many results as it may have."""


def report(layout: TeamLayout, agent: str, values: Mapping[str, str], *, identity: str | None = None) -> None:
    """Keeps results of an agent and tells the recorder. Raises ``TooManyResultsError`` or ``OSError``."""
    kept = {**results_of(layout, agent), **values}
    if len(kept) > MOST_KEYS:
        raise TooManyResultsError(f"an agent has at most {MOST_KEYS} results")
    path = layout.results(agent)
    path.parent.mkdir(parents=True, exist_ok=True)
    replace_file(path, orjson.dumps(kept), durable=True)
    for key, value in values.items():
        named = None if identity is None else f"{identity}-{key}"
        request(layout, agent, "report", {"key": key, "value": value}, named)


def results_of(layout: TeamLayout, agent: str) -> dict[str, str]:
    """What an agent has reported so far; nothing when nothing readable is there."""
    try:
        found = orjson.loads(read_bounded(layout.results(agent), _FILE_LIMIT))
    except (OSError, orjson.JSONDecodeError):
        return {}
    items = found.items() if isinstance(found, dict) else ()
    return {
        key: value[:LONGEST_VALUE]
        for key, value in items
        if isinstance(value, str) and KEY_PATTERN.fullmatch(key)
    }


def with_results(layout: TeamLayout, agent: str, prompt: str) -> str:
    """An agent's prompt with the results that it names. Raises ``RunnerError`` (64) for a missing one."""

    def value(named: Reference) -> str:
        found = results_of(layout, named.agent)
        if named.key not in found:
            known = ", ".join(sorted(found)) or "nothing"
            raise RunnerError(
                f"The prompt of {agent} names {named}, but {named.agent} has reported {known}: tell "
                f"{named.agent} in its prompt to report {named.key!r}, or name another result.",
                code=EXIT_NEEDS_A_PERSON,
            )
        return clean(found[named.key], limit=LONGEST_VALUE)

    try:
        text = filled(prompt, value)
    except (NotAReferenceError, ValueError) as wrong:
        raise RunnerError(
            f"The prompt of {agent} names {str(wrong)[:100]!r}, which is no result.",
            code=EXIT_NEEDS_A_PERSON,
        ) from wrong
    if len(text.encode(errors="replace")) > _MOST_PROMPT and text != prompt:
        raise RunnerError(
            f"The prompt of {agent} is larger than {_MOST_PROMPT} bytes with the results that it names: "
            "let the others report less, or put long texts into files.",
            code=EXIT_NEEDS_A_PERSON,
        )
    return text


async def automatic(git: Git, worktree: Path, branch: str, base: str) -> dict[str, str]:
    """What kagents itself reports of an agent of a coding team. Raises ``GitError``."""
    commit = (await git.run("rev-parse", "--verify", "HEAD", cwd=worktree, seconds=_GIT_SECONDS)).strip()
    found = {"branch": branch, "commit": commit}
    since = await began_at(git, worktree, base)
    if since is None:
        return found
    names = ("diff", "--name-only", "-z", "--no-ext-diff", "--no-renames", since, "HEAD")
    changed = await git.run(*names, cwd=worktree, seconds=_GIT_SECONDS)
    return found | {"filesChanged": str(changed.count("\0"))}
