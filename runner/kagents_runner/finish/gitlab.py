"""Merge requests on GitLab (REST, version 4)."""

from typing import Any, Final
from urllib.parse import quote

from kagents_runner.finish.address import ForgeAddress
from kagents_runner.finish.checks import PASSED, Checks, Verdict, counted
from kagents_runner.finish.forge import RefusedError, Request, UnknownError, Wire

_ENDED_BADLY: Final = frozenset({"failed", "canceled", "canceling"})


def gitlab_headers(token: str) -> dict[str, str]:
    """What every call carries."""
    return {"Accept": "application/json", "Authorization": f"Bearer {token}"}


class GitLab:
    """The forge of ``gitlab.com`` and of a GitLab of one's own."""

    def __init__(self, wire: Wire, address: ForgeAddress) -> None:
        """``wire`` speaks to ``address.api`` with ``gitlab_headers``."""
        self._wire = wire
        self._path = f"/projects/{quote(address.path, safe='')}/merge_requests"

    async def find(self, head: str) -> list[Request]:
        query = {"source_branch": head, "state": "all", "per_page": "100"}
        found = await self._wire.call("GET", self._path, query=query)
        if not isinstance(found, list):
            raise UnknownError("GitLab's list of merge requests is no list.")
        return [
            _request(entry)
            for entry in found
            if isinstance(entry, dict) and entry.get("source_branch") == head
        ]

    async def create(self, *, head: str, target: str, title: str, body: str, draft: bool) -> Request:
        wanted = {
            "source_branch": head,
            "target_branch": target,
            "title": f"Draft: {title}" if draft else title,
            "description": body,
        }
        return _request(await self._wire.call("POST", self._path, body=wanted))

    async def label(self, request: Request, labels: tuple[str, ...]) -> None:
        await self._wire.call("PUT", f"{self._path}/{request.number}", body={"add_labels": ",".join(labels)})

    async def ask(self, request: Request, reviewers: tuple[str, ...]) -> None:
        numbers = []
        for name in reviewers:
            found = await self._wire.call("GET", "/users", query={"username": name})
            user = found[0] if isinstance(found, list) and found else None
            if not isinstance(user, dict) or not isinstance(user.get("id"), int):
                raise RefusedError(f"GitLab knows no user {name!r}.", 404)
            numbers.append(user["id"])
        await self._wire.call("PUT", f"{self._path}/{request.number}", body={"reviewer_ids": numbers})

    async def checks(self, request: Request, commit: str) -> Checks:
        query = {"per_page": "100"}
        found = await self._wire.call("GET", f"{self._path}/{request.number}/pipelines", query=query)
        if not isinstance(found, list):
            raise UnknownError("GitLab's list of pipelines is no list.")
        newest: dict[str, tuple[int, Verdict]] = {}
        for entry in found:
            if not isinstance(entry, dict) or not isinstance(entry.get("id"), int):
                raise UnknownError("GitLab's answer holds what is no pipeline.")
            # What is run again is a new pipeline. The commit tells nothing: a pipeline of the merged result
            # has one of its own.
            kind, seen = str(entry.get("source")), (entry["id"], _verdict(entry.get("status")))
            newest[kind] = max(newest.get(kind, seen), seen)
        return counted(verdict for _, verdict in newest.values())


def _verdict(status: object) -> Verdict:
    """A pipeline's state; one that waits for a person or for its time has not ended."""
    if status in PASSED:
        return "passing"
    return "failing" if status in _ENDED_BADLY else "pending"


def _request(entry: Any) -> Request:
    if not isinstance(entry, dict) or not isinstance(entry.get("iid"), int):
        raise UnknownError("GitLab's answer is no merge request.")
    state = "open" if entry.get("state") == "opened" else str(entry.get("state"))
    return Request(
        entry["iid"],
        str(entry.get("web_url")),
        state,
        str(entry.get("description") or ""),
        bool(entry.get("draft")),
    )
