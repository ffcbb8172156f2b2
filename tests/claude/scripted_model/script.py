"""Scripts: rules that answer by who asks and by the last user message, never by a count of requests.

A rule's steps follow one another within one turn: the step is the number of tool calls made since the message
that started the turn, so an interrupted and resumed conversation goes on where it was.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from scripted_model.conversation import Conversation


@dataclass(frozen=True)
class Say:
    """The model speaks and so ends the turn. ``delay`` holds the answer back, in seconds."""

    text: str
    delay: float = 0.0


@dataclass(frozen=True)
class Call:
    """The model calls a tool."""

    name: str
    input: dict[str, Any]
    delay: float = 0.0


@dataclass(frozen=True)
class Fail:
    """The server answers with an HTTP error. ``again``: asking again is not ruled out."""

    status: int
    kind: str
    message: str
    delay: float = 0.0
    again: bool = False


@dataclass(frozen=True)
class Cut:
    """A streamed answer ends behind its first event."""


Reply = Say | Call | Fail
_UNDELIVERED = ("mailbox write failed", "nothing was sent. Try again")
_MOST_REPEATS = 5
Step = Reply | Callable[[Conversation, re.Match[str]], Reply]


@dataclass(frozen=True)
class Rule:
    """What ``agent`` (a regular expression) does when a message matches ``when``; then it says "Done."."""

    agent: str
    when: str
    steps: Sequence[Step]


@dataclass(frozen=True)
class Script:
    """Rules in order; the first that fits answers. Shutdown requests are approved if no rule fits."""

    rules: Sequence[Rule] = field(default_factory=tuple)

    def reply(self, conversation: Conversation) -> Reply:
        """The answer to this request."""
        for rule in [*self.rules, _APPROVE_SHUTDOWN]:
            match = re.search(rule.when, conversation.prompt, re.DOTALL)
            if match and re.fullmatch(rule.agent, conversation.agent):
                return _step(rule.steps, conversation, match)
        return Say("Nothing to do.")


def undelivered(result: str) -> bool:
    """Whether the CLI says that it could not write a message, and asks for the call once more.

    Root may write the team's config.json; a CLI that reads it while another rewrites it refuses the call and
    says "Retry the tool call" (protocol P4), and a mailbox that is locked for long refuses a message.
    """
    return any(text in result for text in _UNDELIVERED)


def _step(steps: Sequence[Step], conversation: Conversation, match: re.Match[str]) -> Reply:
    # A model does as it is told.
    repeats = sum(map(undelivered, conversation.results))
    done = len(conversation.calls) - min(repeats, _MOST_REPEATS)
    if done >= len(steps):
        return Say("Done.")
    step = steps[done]
    return step(conversation, match) if callable(step) else step


def _approve(_: Conversation, match: re.Match[str]) -> Reply:
    message = {"type": "shutdown_response", "request_id": match.group(1), "approve": True}
    return Call("SendMessage", {"to": "team-lead", "summary": "shutting down", "message": message})


_APPROVE_SHUTDOWN = Rule(".*", r'"shutdown_request".*?"requestId":\s*"([^"]+)"', [_approve])
