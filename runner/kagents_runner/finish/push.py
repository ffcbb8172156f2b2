"""The joined branch to the repository: never by force, and what the other side said in one sentence."""

import re
from pathlib import Path
from typing import Final

from kagents_core.safetext import clean
from kagents_runner.finish.large_files import upload
from kagents_runner.prepare.failures import clone_failure, shown_url
from kagents_runner.prepare.git import Git, GitError
from kagents_runner.termination import EXIT_NEEDS_A_PERSON, RunnerError

_PUSH_SECONDS: Final = 900.0
_BEHIND: Final = re.compile(r"non-fast-forward|fetch first|stale info", re.IGNORECASE)
_FORBIDDEN: Final = re.compile(
    r"protected branch|pre-receive hook declined|\[remote rejected\]|permission to .* denied|"
    r"not allowed to push",
    re.IGNORECASE,
)


async def push(git: Git, bare: Path, url: str, branch: str, commit: str) -> None:
    """Pushes ``commit`` as ``branch``, its large files first.

    Raises ``RunnerError``: 64 when a person must decide, else 1.
    """
    try:
        await upload(git, bare, url)
        await git.run(
            "push",
            "--quiet",
            "--no-verify",
            "--no-signed",
            "--recurse-submodules=no",
            "--",
            url,
            f"{commit}:refs/heads/{branch}",
            cwd=bare,
            seconds=_PUSH_SECONDS,
        )
    except GitError as error:
        raise _failure(error, url, branch) from error


def _failure(error: GitError, url: str, branch: str) -> RunnerError:
    shown = shown_url(url)
    if _BEHIND.search(error.stderr):
        return RunnerError(
            f"{shown} has a branch {branch} already, with commits that are not this team's: delete or "
            "rename it there, or set lifecycle.consolidatedBranchTemplate, then retry.",
            code=EXIT_NEEDS_A_PERSON,
        )
    if _FORBIDDEN.search(error.stderr):
        said = [line.strip() for line in error.stderr.splitlines() if "rejected" in line or "remote:" in line]
        words = clean("; ".join(said[:3]), limit=400, multiline=False)
        return RunnerError(f"{shown} refused branch {branch}: {words}", code=EXIT_NEEDS_A_PERSON)
    failure = clone_failure(error, url, branch)
    return RunnerError(f"Pushing {branch}: {failure.sentence}", code=failure.code)
