"""Which calls of the model's API the gateway passes on; every other is not there.

Only what tells its usage, or costs nothing, may pass: batches, files and models of other makers would cost
what nobody counts.
"""

import re
from dataclasses import dataclass
from typing import Final
from urllib.parse import unquote

TARGET_LIMIT: Final = 4096
_QUERY: Final = r"(?:\?[!-~]*)?"
_NAME: Final = r"[A-Za-z0-9._~%:@-]+"


@dataclass(frozen=True, slots=True)
class Call:
    """A call that passes."""

    target: str
    """Path and query as they are sent on, encoded as they came."""
    metered: bool
    model: str = ""
    """Where the path names it; else the body does."""


@dataclass(frozen=True, slots=True)
class _Rule:
    method: str
    target: re.Pattern[str]
    metered: bool


def _rule(method: str, target: str, *, metered: bool = False) -> _Rule:
    return _Rule(method, re.compile(target + _QUERY), metered)


_RULES: Final = {
    "anthropic": (
        _rule("POST", "/v1/messages", metered=True),
        _rule("POST", "/v1/messages/count_tokens"),
        _rule("GET", r"/v1/models(?:/[A-Za-z0-9._-]+)?"),
    ),
    "bedrock": (
        _rule("POST", f"/model/(?P<model>{_NAME})/invoke(?:-with-response-stream)?", metered=True),
        _rule("POST", f"/model/(?P<model>{_NAME})/count-tokens"),
    ),
    "vertex": (
        _rule(
            "POST",
            rf"/v1/projects/(?P<project>{_NAME})/locations/{_NAME}/publishers/anthropic/models/"
            rf"count-tokens:rawPredict",
        ),
        _rule(
            "POST",
            rf"/v1/projects/(?P<project>{_NAME})/locations/{_NAME}/publishers/anthropic/models/"
            rf"(?P<model>{_NAME}):(?:streamRawPredict|rawPredict)",
            metered=True,
        ),
    ),
}
PROVIDERS: Final = tuple(_RULES)
_BEDROCK_MODEL: Final = re.compile(r"anthropic\.claude|:application-inference-profile/")


def call_of(provider: str, method: str, target: str, *, project: str | None = None) -> Call | None:
    """The call that this request is, or None. ``project`` is the only one of Vertex that may be named."""
    path = target.partition("?")[0]
    if len(target) > TARGET_LIMIT or ".." in path or "%2e" in path.lower():
        return None  # a path that leads elsewhere
    for rule in _RULES[provider]:
        found = rule.target.fullmatch(target) if rule.method == method else None
        if found is None:
            continue
        named = found.groupdict()
        model = unquote(named.get("model") or "")
        if provider == "bedrock" and not _BEDROCK_MODEL.search(model):
            return None
        if provider == "vertex" and project is not None and named["project"] != project:
            return None
        return Call(target, rule.metered, model)
    return None
