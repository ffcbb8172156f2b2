"""Why a clone failed, as one sentence for a person: from git's English error output, without secrets."""

import re
from typing import Final
from urllib.parse import urlsplit

from kagents_core.safetext import clean
from kagents_runner.full_volume import is_full, volume_full
from kagents_runner.prepare.git import GitError
from kagents_runner.termination import EXIT_NEEDS_A_PERSON, RunnerError

_BRANCH: Final = re.compile(
    r"remote branch .* not found|couldn't find remote ref|invalid refspec|not our ref|"
    r"unadvertised object",
    re.IGNORECASE,
)
_REFUSED: Final = re.compile(
    r"authentication failed|could not read (username|password)|permission denied \(|access denied|"
    r"invalid username or (password|token)|returned error: (401|403)|no supported authentication|"
    r"error in libcrypto|invalid format",
    re.IGNORECASE,
)
_HOST_KEY: Final = re.compile(r"host key verification failed|host identification has changed", re.IGNORECASE)
_MISSING: Final = re.compile(
    r"repository .*not found|does not exist|not appear to be a git repository|returned error: (404|410)|"
    r"no such file or directory|project you were looking for",
    re.IGNORECASE,
)
_UNREACHABLE: Final = re.compile(
    r"could not resolve|connection (refused|timed out|reset)|failed to connect|network is unreachable|"
    r"no route to host|operation timed out|ssl|returned error: 5\d\d|early eof|hung up",
    re.IGNORECASE,
)
_SCHEME_REFUSED: Final = re.compile(
    r"transport '.*' not allowed|is not a git command|unable to find remote helper"
)
_USER_INFO: Final = re.compile(r"(\w+://)[^/@\s]*@")


def is_missing_branch(error: GitError) -> bool:
    """Whether the repository was reached and has nothing of this name."""
    return bool(_BRANCH.search(error.stderr))


def shown_url(url: str) -> str:
    """The address without user and password."""
    return clean(_USER_INFO.sub(r"\1", url), limit=300, multiline=False)


def refuse_password(url: str) -> None:
    """Raises ``RunnerError`` for an address with a password: it would end up in arguments and files."""
    try:
        password = urlsplit(url).password
    except ValueError:
        password = None
    if password:
        raise RunnerError(
            f"spec.repository.url ({shown_url(url)}) contains a password: put it into a Secret as key token "
            "and name that in spec.repository.credentialsSecret.",
            code=EXIT_NEEDS_A_PERSON,
        )


def clone_failure(error: GitError, url: str, branch: str) -> RunnerError:
    """The sentence and exit code for a clone that failed: 64 when only a person can help."""
    text, shown = error.stderr, shown_url(url)
    name = clean(branch, limit=200, multiline=False)
    if error.timed_out:
        return RunnerError(f"Cloning {shown} took longer than its time limit.")
    if is_full(error):
        return volume_full(f"there is no room for a clone of {shown}")
    for pattern, sentence in (
        (
            _BRANCH,
            f"The repository {shown} has no branch, tag or commit {name!r}.",
        ),
        (
            _HOST_KEY,
            f"The SSH host key of {shown} is not the one that is known: if it was changed on purpose, put "
            "the new one into the key known_hosts of the repository's Secret.",
        ),
        (
            _REFUSED,
            f"The repository {shown} refused the credential or needs one: spec.repository.credentialsSecret.",
        ),
        (
            _SCHEME_REFUSED,
            f"The address {shown} is not allowed: use https, http, ssh or file.",
        ),
        (_MISSING, f"The repository {shown} was not found."),
    ):
        if pattern.search(text):
            return RunnerError(sentence, code=EXIT_NEEDS_A_PERSON)
    if _UNREACHABLE.search(text):
        return RunnerError(f"The repository {shown} cannot be reached: {_last_line(text)}")
    return RunnerError(f"Cloning {shown} failed: {_last_line(text)}")


def _last_line(text: str) -> str:
    """The last thing git said that is no hint, without user names in addresses."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    told = [line for line in lines if line.lower().startswith(("fatal:", "error:", "ssh:", "remote:"))]
    last = (told or lines or ["git gave no reason."])[-1]
    return clean(_USER_INFO.sub(r"\1", last), limit=300, multiline=False)
