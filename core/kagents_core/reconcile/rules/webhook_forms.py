"""The two forms of a webhook's body: plain JSON, and the one that Slack and its likes take."""

from urllib.parse import urlsplit

from kagents_core.safetext import clean

_SLACK_HOSTS = ("hooks.slack.com", "hooks.slack-gov.com")
_LIMIT = 3000
_MEANT = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;"})
"""Without this a text of an agent could call a whole channel, or hide an address behind a word."""


def is_slack(url: str) -> bool:
    """Whether the address is one of Slack's own."""
    return urlsplit(url).hostname in _SLACK_HOSTS


def slack_body(namespace: str, team: str, event: str, text: str) -> dict[str, str]:
    """One message for people."""
    told = clean(text, limit=_LIMIT, multiline=False).translate(_MEANT)
    return {"text": f"*{namespace}/{team}* {event}" + (f": {told}" if told else "")}
