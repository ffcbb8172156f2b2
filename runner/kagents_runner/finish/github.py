"""Pull requests on GitHub and GitHub Enterprise (REST, version 2022-11-28)."""

from typing import Any, Final
from urllib.parse import quote

from kagents_runner.finish.address import ForgeAddress
from kagents_runner.finish.forge import Request, UnknownError, Wire

_VERSION: Final = "2022-11-28"


def github_headers(token: str) -> dict[str, str]:
    """What every call carries."""
    return {
        "Accept": "application/vnd.github+json",
        "Authorization": f"Bearer {token}",
        "X-GitHub-Api-Version": _VERSION,
    }


class GitHub:
    """The forge of ``github.com`` and of GitHub Enterprise."""

    def __init__(self, wire: Wire, address: ForgeAddress) -> None:
        """``wire`` speaks to ``address.api`` with ``github_headers``."""
        self._wire = wire
        self._owner = address.owner
        self._path = f"/repos/{quote(address.path)}"

    async def find(self, head: str) -> list[Request]:
        query = {"state": "all", "head": f"{self._owner}:{head}", "per_page": "100"}
        found = await self._wire.call("GET", f"{self._path}/pulls", query=query)
        # GitHub answers with every pull request when it does not understand the head, so it is checked.
        return [_request(entry) for entry in _list(found) if _head(entry) == head]

    async def create(self, *, head: str, target: str, title: str, body: str, draft: bool) -> Request:
        wanted = {"title": title, "head": head, "base": target, "body": body, "draft": draft}
        return _request(await self._wire.call("POST", f"{self._path}/pulls", body=wanted))

    async def label(self, request: Request, labels: tuple[str, ...]) -> None:
        await self._wire.call(
            "POST", f"{self._path}/issues/{request.number}/labels", body={"labels": list(labels)}
        )

    async def ask(self, request: Request, reviewers: tuple[str, ...]) -> None:
        people = [name for name in reviewers if "/" not in name]
        teams = [name.partition("/")[2] for name in reviewers if "/" in name]
        await self._wire.call(
            "POST",
            f"{self._path}/pulls/{request.number}/requested_reviewers",
            body={"reviewers": people, "team_reviewers": teams},
        )


def _list(value: Any) -> list[Any]:
    if not isinstance(value, list):
        raise UnknownError("GitHub's list of pull requests is no list.")
    return value


def _head(entry: Any) -> str:
    head = entry.get("head") if isinstance(entry, dict) else None
    return str(head.get("ref")) if isinstance(head, dict) else ""


def _request(entry: Any) -> Request:
    if not isinstance(entry, dict) or not isinstance(entry.get("number"), int):
        raise UnknownError("GitHub's answer is no pull request.")
    state = "merged" if entry.get("merged_at") else str(entry.get("state"))
    return Request(
        entry["number"],
        str(entry.get("html_url")),
        state,
        str(entry.get("body") or ""),
        bool(entry.get("draft")),
    )
