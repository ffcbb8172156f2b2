"""What one answer of the model used, gathered from its events or from its body as a whole.

Numbers in a stream are sums so far, and some providers tell them at the beginning, some at the end: of every
number the highest counts. What was written of an answer that breaks off is told by nobody, and was paid for
all the same: it is estimated from the words that came. What else is in a stream is nothing to us.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import orjson

from kagents_core.safetext import clean

_HIGHEST: Final = 10**12
_NAME_LIMIT: Final = 200
_TOOLS: Final = 8
_OWN_PASSES: Final = ("compaction", "advisor_message")
"""Passes of the model that the sums of an answer leave out."""
_WORDS: Final = ("text", "thinking", "partial_json")
_LETTERS_A_TOKEN: Final = 4


@dataclass(frozen=True, slots=True)
class Counts:
    """Tokens of one answer; ``input`` leaves out what was read from or written to the cache."""

    model: str
    input: int
    output: int
    cache_read: int
    cache_write_5m: int
    cache_write_1h: int
    server_tools: Mapping[str, int]


@dataclass(slots=True)
class Tally:
    """The sums of one answer so far."""

    response_id: str = ""
    ended: bool = False
    """The answer has said that it is whole."""
    failed: bool = False
    """The answer has said that it broke off."""
    _model: str = ""
    _used: bool = False
    _letters: int = 0
    _numbers: dict[str, int] = field(default_factory=dict)
    _tools: dict[str, int] = field(default_factory=dict)

    def counts(self, model: str) -> Counts | None:
        """What was used; None when nothing was told. ``model`` is the one asked for, if none is named."""
        if not self._used:
            return None
        one_hour, five_minutes = self._sum("1h"), self._sum("5m")
        # The split may be missing, or be older than the sum.
        five_minutes = max(five_minutes, self._sum("cache_creation_input_tokens") - one_hour)
        return Counts(
            model=self._model or model,
            input=self._sum("input_tokens") + self._sum("own input"),
            output=self._output() + self._sum("own output"),
            cache_read=self._sum("cache_read_input_tokens"),
            cache_write_5m=five_minutes,
            cache_write_1h=one_hour,
            server_tools=dict(self._tools),
        )

    def event(self, data: bytes) -> None:
        """One event of a stream, as the JSON text that it is."""
        if b'_delta"' not in data and b'"message_' not in data and b'"error"' not in data:
            return
        found = _object(data)
        kind = found.get("type")
        if kind == "content_block_delta":
            delta = _mapping(found.get("delta"))
            self._letters += sum(len(text) for name in _WORDS if isinstance(text := delta.get(name), str))
            return  # the most of a stream, by far
        if kind == "message_start":
            self._message(_mapping(found.get("message")))
        elif kind == "message_delta":
            self._usage(found.get("usage"))
        elif kind == "message_stop":
            self.ended = True
        elif kind == "error":
            self.failed = True

    def whole(self, body: bytes) -> None:
        """The body of an answer that is no stream."""
        found = _object(body)
        if found.get("type") == "error":
            self.failed = True
        elif found:
            self._message(found)
            self.ended = True

    def _message(self, message: Mapping[str, Any]) -> None:
        self.response_id = self.response_id or _name(message.get("id"))
        self._model = self._model or _name(message.get("model"))
        self._usage(message.get("usage"))

    def _usage(self, usage: object) -> None:
        if not isinstance(usage, dict):
            return
        self._used = True
        for name in ("input", "output", "cache_read_input", "cache_creation_input"):
            self._heard(f"{name}_tokens", usage.get(f"{name}_tokens"))
        split = _mapping(usage.get("cache_creation"))
        for name in ("5m", "1h"):
            self._heard(name, split.get(f"ephemeral_{name}_input_tokens"))
        self._passes(usage.get("iterations"))
        for name, number in _mapping(usage.get("server_tool_use")).items():
            tool, times = _name(name), _number(number)
            if times > self._tools.get(tool, 0) and (tool in self._tools or len(self._tools) < _TOOLS):
                self._tools[tool] = times

    def _passes(self, iterations: object) -> None:
        """What the model read and wrote on its own account; the other passes are in the sums already."""
        if not isinstance(iterations, list):
            return
        own = [each for each in map(_mapping, iterations) if each.get("type") in _OWN_PASSES]
        for name in ("input", "output"):
            self._heard(f"own {name}", sum(_number(each.get(f"{name}_tokens")) for each in own))

    def _heard(self, name: str, value: object) -> None:
        self._numbers[name] = max(self._sum(name), _number(value))

    def _output(self) -> int:
        told = self._sum("output_tokens")
        return told if self.ended else max(told, self._letters // _LETTERS_A_TOKEN)

    def _sum(self, name: str) -> int:
        return self._numbers.get(name, 0)


def _object(data: bytes) -> Mapping[str, Any]:
    try:
        return _mapping(orjson.loads(data))
    except ValueError:
        return {}


def _mapping(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def _number(value: object) -> int:
    """A count of tokens; 0 for whatever is none."""
    return value if type(value) is int and 0 <= value <= _HIGHEST else 0


def _name(value: object) -> str:
    return clean(value, limit=_NAME_LIMIT, multiline=False) if isinstance(value, str) else ""
