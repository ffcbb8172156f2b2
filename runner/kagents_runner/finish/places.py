"""Where the finishing pod's parts lie: environment variables of docs/internals.md, section 1."""

from collections.abc import Mapping
from pathlib import Path
from typing import Final

from kagents_core.teamfiles.files import read_bounded
from kagents_runner.finish.documents import FinishDocument, read_wish
from kagents_runner.locations import Locations
from kagents_runner.termination import EXIT_NEEDS_A_PERSON, RunnerError

REPOSITORY: Final = "repository.git"
_TOKEN_LIMIT: Final = 65536


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


def forge_token(environment: Mapping[str, str]) -> str:
    """The token of the forge's API: ``GITHUB_TOKEN`` of its own Secret, else ``token`` of the git Secret."""
    own = environment.get("KAGENTS_FORGE_CREDENTIALS_DIR", "")
    candidates = [Path(own) / "GITHUB_TOKEN", Path(own) / "token"] if own else []
    if (directory := credentials(environment)) is not None:
        candidates.append(directory / "token")
    for path in candidates:
        if not path.is_file():
            continue
        try:
            token = read_bounded(path.resolve(), _TOKEN_LIMIT).decode().strip()
        except (OSError, UnicodeDecodeError) as error:
            raise RunnerError(
                f"The key {path.name} of the forge's Secret cannot be read.", code=EXIT_NEEDS_A_PERSON
            ) from error
        if token and token.isprintable() and " " not in token:
            return token
        raise RunnerError(f"The key {path.name} of the forge's Secret is no token.", code=EXIT_NEEDS_A_PERSON)
    raise RunnerError(
        "onComplete: create-pr needs a token for the forge: set spec.lifecycle.githubTokenSecret to a Secret "
        "with key GITHUB_TOKEN, or give the repository's Secret a key token.",
        code=EXIT_NEEDS_A_PERSON,
    )
