"""Pull requests on GitHub and GitHub Enterprise (REST, version 2022-11-28)."""

from collections.abc import AsyncIterator
from typing import Any, Final
from urllib.parse import quote

from kagents_runner.finish.address import ForgeAddress
from kagents_runner.finish.checks import PASSED, Checks, Verdict, counted
from kagents_runner.finish.forge import Request, UnknownError, Wire

_VERSION: Final = "2022-11-28"
_A_PAGE: Final = 100
_MOST_PAGES: Final = 10
"""GitHub itself counts at most 1,000 checks of a commit."""


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

    async def checks(self, request: Request, commit: str) -> Checks:
        place = f"{self._path}/commits/{quote(commit, safe='')}"
        runs = [_of_run(each) async for each in self._pages(f"{place}/check-runs", "check_runs")]
        return counted(
            [*runs, *[_of_status(each) async for each in self._pages(f"{place}/status", "statuses")]]
        )

    async def _pages(self, path: str, name: str) -> AsyncIterator[Any]:
        """Every entry of a list that comes in pages."""
        for page in range(1, _MOST_PAGES + 1):
            query = {"per_page": str(_A_PAGE), "page": str(page)}
            answer = await self._wire.call("GET", path, query=query)
            entries = answer.get(name) if isinstance(answer, dict) else None
            if not isinstance(entries, list):
                raise UnknownError(f"GitHub's answer has no {name}.")
            for each in entries:
                yield each
            if len(entries) < _A_PAGE:
                return


def _of_run(entry: Any) -> Verdict:
    """A check run; one that ended in a way that nobody knows holds people up."""
    if not isinstance(entry, dict):
        raise UnknownError("GitHub's answer holds what is no check.")
    if entry.get("status") != "completed":
        return "pending"
    return "passing" if entry.get("conclusion") in PASSED else "failing"


def _of_status(entry: Any) -> Verdict:
    """A commit's status, the older form of a check."""
    state = entry.get("state") if isinstance(entry, dict) else None
    if state == "pending":
        return "pending"
    return "passing" if state in PASSED else "failing"


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
