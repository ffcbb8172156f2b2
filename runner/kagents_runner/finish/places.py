"""Where the finishing pod's parts lie: environment variables of docs/internals.md, section 1."""

from collections.abc import Mapping
from pathlib import Path
from typing import Final

from kagents_runner.finish.documents import FinishDocument, PullRequestWish, read_wish
from kagents_runner.locations import Locations
from kagents_runner.prepare.github_app import installation_token
from kagents_runner.prepare.secret_files import is_app, secret_line
from kagents_runner.termination import DEFAULT_TERMINATION_LOG, EXIT_NEEDS_A_PERSON, RunnerError

REPOSITORY: Final = "repository.git"


def finish_dir(environment: Mapping[str, str]) -> Path:
    """``KAGENTS_FINISH_DIR``, made if need be: shared by both containers and by every attempt."""
    directory = Locations(environment).finish_dir
    directory.mkdir(parents=True, exist_ok=True)
    return directory


def wish(environment: Mapping[str, str]) -> FinishDocument:
    """``KAGENTS_FINISH``. Raises ``RunnerError``."""
    return read_wish(environment.get("KAGENTS_FINISH", ""))


def credentials(environment: Mapping[str, str]) -> Path | None:
    """``KAGENTS_GIT_CREDENTIALS_DIR``: the Secret to push with."""
    text = environment.get("KAGENTS_GIT_CREDENTIALS_DIR", "")
    return Path(text) if text else None


async def forge_token(environment: Mapping[str, str], url: str, wanted: PullRequestWish) -> str:
    """The token of the forge's API, from its own Secret or else from the one to push with.

    A Secret has it as ``GITHUB_TOKEN`` or ``token``, or the keys of a GitHub App. Raises ``RunnerError``.
    """
    own = environment.get("KAGENTS_FORGE_CREDENTIALS_DIR", "")
    for directory in (Path(own) if own else None, credentials(environment)):
        if directory is None:
            continue
        for name in ("GITHUB_TOKEN", "token"):
            if (directory / name).is_file():
                return secret_line(directory / name)
        if is_app(directory):
            return await installation_token(directory, url, api_url=wanted.api_url)
    raise RunnerError(
        "onComplete: create-pr needs a token for the forge: set spec.lifecycle.githubTokenSecret to a Secret "
        "with key GITHUB_TOKEN or those of a GitHub App, or give the repository's Secret a key token.",
        code=EXIT_NEEDS_A_PERSON,
    )


def last_words(environment: Mapping[str, str], message: bytes) -> None:
    """What the controller reads of a container that ended well."""
    Path(environment.get("KAGENTS_TERMINATION_LOG") or DEFAULT_TERMINATION_LOG).write_bytes(message)
