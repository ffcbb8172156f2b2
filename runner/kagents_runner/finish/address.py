"""Which forge serves a repository, where its API is, and what it calls the repository."""

import re
from dataclasses import dataclass
from typing import Final, Literal
from urllib.parse import urlsplit

from kagents_runner.finish.documents import PullRequestWish
from kagents_runner.prepare.failures import shown_url
from kagents_runner.termination import EXIT_NEEDS_A_PERSON, RunnerError

_SHORT: Final = re.compile(r"^[\w.-]+@([\w.-]+):(.+)$")
"""``git@host:path``, the way ssh abbreviates an address."""

Provider = Literal["github", "gitlab"]


@dataclass(frozen=True, slots=True)
class ForgeAddress:
    """Where requests are made."""

    provider: Provider
    api: str
    """Without a slash at the end."""
    path: str
    """``owner/name``; on GitLab also with groups in between."""

    @property
    def owner(self) -> str:
        """The part before the first slash."""
        return self.path.split("/", 1)[0]


def forge_of(repository: str, wish: PullRequestWish) -> ForgeAddress:
    """From the repository's address and what the spec says. Raises ``RunnerError`` (64) if unclear."""
    origin, host, path = _parts(repository)
    provider = wish.provider or ("gitlab" if "gitlab" in host else "github")
    if wish.api_url:
        api = wish.api_url.rstrip("/")
    elif not host:
        raise _unknown(repository)
    elif provider == "gitlab":
        api = f"{origin}/api/v4"
    else:
        api = "https://api.github.com" if host == "github.com" else f"{origin}/api/v3"
    parts = [part for part in path.removesuffix(".git").split("/") if part]
    if len(parts) < 2 or (provider == "github" and len(parts) > 2 and not wish.api_url):
        raise _unknown(repository)
    # A server that keeps repositories below a folder has the owner and the name last.
    return ForgeAddress(provider, api, "/".join(parts if provider == "gitlab" else parts[-2:]))


def _parts(repository: str) -> tuple[str, str, str]:
    """Where its web pages are (of an ssh address: https on the usual port), the host, and the path."""
    short = _SHORT.match(repository)
    if short and "://" not in repository:
        return f"https://{short[1].lower()}", short[1].lower(), short[2]
    parts = urlsplit(repository)
    host = (parts.hostname or "").lower()
    port = f":{parts.port}" if parts.port and parts.scheme in ("http", "https") else ""
    scheme = "http" if parts.scheme == "http" else "https"
    return f"{scheme}://{host}{port}", host, parts.path


def _unknown(repository: str) -> RunnerError:
    return RunnerError(
        f"The forge of {shown_url(repository)} cannot be told from its address: set "
        "spec.lifecycle.pullRequest.provider and apiUrl, or use onComplete: push-branch.",
        code=EXIT_NEEDS_A_PERSON,
    )
