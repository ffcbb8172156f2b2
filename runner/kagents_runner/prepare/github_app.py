"""A GitHub App's token of one hour, for one repository: made where it is used, and never kept.

The Secret has the keys ``github-app-id``, ``github-app-installation-id`` and ``github-app-private-key``.
"""

import time
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote

from kagents_runner.finish.address import forge_of
from kagents_runner.finish.documents import PullRequestWish
from kagents_runner.finish.forge import ForgeError, RefusedError, Wire
from kagents_runner.finish.github import github_headers
from kagents_runner.prepare.secret_files import (
    APP_ID,
    INSTALLATION_ID,
    PRIVATE_KEY,
    secret_bytes,
    secret_line,
)
from kagents_runner.termination import EXIT_NEEDS_A_PERSON, RunnerError

_SECONDS: Final = 540
"""How long the signed word holds; GitHub takes at most ten minutes."""
_SLACK: Final = 60
"""Their clock may be behind ours."""
_GITHUB: Final = PullRequestWish(title="-", target="-", provider="github")


async def installation_token(
    directory: Path, url: str, *, reading: bool = False, api_url: str | None = None
) -> str:
    """A token for this repository alone; one for ``reading`` also opens those of its submodules.

    Raises ``RunnerError``: 64 when a person must change something.
    """
    address = forge_of(url, _GITHUB.model_copy(update={"api_url": api_url}))
    installation = secret_line(directory / INSTALLATION_ID)
    word = signed_word(secret_line(directory / APP_ID), secret_bytes(directory / PRIVATE_KEY), time.time())
    path = f"/app/installations/{quote(installation, safe='')}/access_tokens"
    name = address.path.rpartition("/")[2]
    wanted: dict[str, Any] = {"permissions": {"contents": "read"}} if reading else {"repositories": [name]}
    try:
        async with Wire(address.api, github_headers(word)) as wire:
            answer = await wire.call("POST", path, body=wanted)
    except RefusedError as error:
        raise RunnerError(
            f"GitHub gives this App no token: {error} Look at the keys {APP_ID}, {INSTALLATION_ID} and "
            f"{PRIVATE_KEY} of the Secret, and whether the App is installed on the repository.",
            code=EXIT_NEEDS_A_PERSON,
        ) from error
    except ForgeError as error:  # a token more or less does no harm: whatever became of it, try again
        raise RunnerError(f"GitHub gave the App no token: {error}") from error
    token = answer.get("token") if isinstance(answer, dict) else None
    if not isinstance(token, str) or not token.isprintable() or not token:
        raise RunnerError("GitHub's answer to the App holds no token.")
    return token


def signed_word(app: str, key: bytes, now: float) -> str:
    """The JSON Web Token (RS256) by which the App says who it is. Raises ``RunnerError`` (64)."""
    # Imported here: only Apps need it, and it is most of this verb's start.
    import jwt

    claims = {"iat": int(now) - _SLACK, "exp": int(now) + _SECONDS, "iss": app}
    try:
        return jwt.encode(claims, key, "RS256")
    except (jwt.PyJWTError, AttributeError, TypeError, ValueError):
        sentence = f"The key {PRIVATE_KEY} of the repository's Secret is no RSA key in PEM form."
    raise RunnerError(sentence, code=EXIT_NEEDS_A_PERSON)  # not from an error that could quote the key
