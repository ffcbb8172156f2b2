"""The tools: ``dismiss`` and ``finish`` for the lead, ``report`` and ``team`` for everyone.

What changes something becomes a request file that the recorder journals and acts on (docs/internals.md,
section 2).
"""

from collections.abc import Mapping

from kagents_core.resultnames import AUTOMATIC, KEY_PATTERN, LONGEST_VALUE
from kagents_core.teamfiles.layout import TeamLayout
from kagents_runner.documents import TeamDocument
from kagents_runner.mcp.jsonrpc import RefusedError, Tool
from kagents_runner.mcp.standing import Standing, read_standings
from kagents_runner.requests import request
from kagents_runner.results import TooManyResultsError, report

_NAME_LIMIT, _TEXT_LIMIT, _LONG_LIMIT = 63, 4_000, 64_000


class TeamTools:
    """The tools of one agent."""

    def __init__(self, layout: TeamLayout, team: TeamDocument, agent: str) -> None:
        self._layout = layout
        self._team = team
        self._agent = team.agent(agent)

    def tools(self) -> list[Tool]:
        """What this agent may use: a teammate gets no tool that ends others."""
        everyone = [self._team_tool(), self._report_tool()]
        return (
            [*everyone, self._dismiss_tool(), self._finish_tool()] if self._agent.role == "lead" else everyone
        )

    def _team_tool(self) -> Tool:
        text = "Shows every agent of the team: role, state, and what each waits for."
        return Tool("team", text, {}, {}, self._show)

    def _report_tool(self) -> Tool:
        text = (
            "Records a result of yours under a short key such as coverage: for the people, and for agents "
            "that start after you have ended. The same key again replaces it. Your branch and commit are "
            "recorded by themselves."
        )
        arguments = {"key": "Short name of the result.", "value": "The result."}
        return Tool("report", text, arguments, {"key": _NAME_LIMIT, "value": LONGEST_VALUE}, self._report)

    def _dismiss_tool(self) -> Tool:
        text = (
            "Ends a teammate whose work is done and accepted. It is asked to shut down natively; "
            "teammates that depend on it start afterwards."
        )
        arguments = {"teammate": "Name of the teammate.", "reason": "Why, in one sentence."}
        return Tool(
            "dismiss", text, arguments, {"teammate": _NAME_LIMIT, "reason": _TEXT_LIMIT}, self._dismiss
        )

    def _finish_tool(self) -> Tool:
        text = (
            "Ends the team's work. Call it once, when every teammate has ended and everything is done. "
            "You are then asked to shut down: approve it."
        )
        arguments = {"summary": "What the team achieved, for the people who read the result."}
        return Tool("finish", text, arguments, {"summary": _LONG_LIMIT}, self._finish)

    def _show(self, _: Mapping[str, str]) -> str:
        standings = read_standings(self._layout, self._team)
        return "\n".join(
            f"- {s.entry.name} ({s.entry.role}{', you' if s.entry == self._agent else ''}): {s.words}"
            for s in standings
        )

    def _report(self, arguments: Mapping[str, str]) -> str:
        key = arguments["key"]
        if not KEY_PATTERN.fullmatch(key):
            raise RefusedError(f"{key!r} is no key: a letter, then letters, digits, dashes and underscores.")
        if key in AUTOMATIC:
            raise RefusedError(f"kagents records {key} by itself when you end; choose another key.")
        try:
            report(self._layout, self._agent.name, {key: arguments["value"]})
        except TooManyResultsError as refusal:
            raise RefusedError(
                f"Not recorded: {refusal}. Report one of your keys again instead."
            ) from refusal
        return "Recorded."

    def _dismiss(self, arguments: Mapping[str, str]) -> str:
        name = arguments["teammate"]
        found = [standing for standing in self._teammates() if standing.entry.name == name]
        if not found:
            names = ", ".join(entry.name for entry in self._team.teammates) or "nobody"
            raise RefusedError(f"There is no teammate {name!r}. The teammates are: {names}.")
        if found[0].ended:
            return f"{name} {found[0].words}: nothing to do."
        self._request("dismiss", arguments)
        return f"{name} is being asked to shut down. The tool team shows when it has ended."

    def _finish(self, arguments: Mapping[str, str]) -> str:
        open_ones = [f"{s.entry.name} ({s.words})" for s in self._teammates() if not s.ended]
        if open_ones:
            raise RefusedError(
                f"Not yet: these teammates have not ended: {', '.join(open_ones)}. Dismiss those whose work "
                "is done, wait for the others (end your turn: mail wakes you), then call finish again."
            )
        self._request("finish", arguments)
        return "Recorded. You will be asked to shut down: approve it."

    def _teammates(self) -> list[Standing]:
        return [s for s in read_standings(self._layout, self._team) if s.entry.role != "lead"]

    def _request(self, kind: str, arguments: Mapping[str, str]) -> None:
        request(self._layout, self._agent.name, kind, arguments)
