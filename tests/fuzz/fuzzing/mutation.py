"""Changes samples: by their structure where they have one, and as bytes. A seed always makes the same."""

import json
from collections.abc import Callable, Sequence
from functools import lru_cache
from random import Random
from typing import Any, Final

import yaml

from fuzzing.harness import Form, Harness

LARGEST: Final = 1024 * 1024
"""Bytes of an input."""
_STRUCTURED: Final = 32 * 1024
"""Bytes of an input that is still changed by its structure."""
_AGAIN: Final = 128 * 1024
_LOADER: Final = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_DEEP: Final = (3, 40, 70, 300, 1100, 20_000)
_RAW: Final = "\x00raw%d\x00"
_RAW_VALUES: Final = (
    "NaN",
    "-Infinity",
    "1e999",
    "-0",
    "9" * 400,
    "9" * 5000,
    "1e-400",
    '"\\ud800"',
    '{"a":1,"a":2}',
    "18446744073709551616",
    '"\\u0000"',
)
_VALUES: Final[tuple[Any, ...]] = (
    None,
    True,
    False,
    0,
    -1,
    1,
    2**31,
    2**63,
    2**64,
    1e308,
    -1.5,
    "",
    " ",
    "0",
    "abc",
    "1,5",
    "2 hours",
    "../../../etc/passwd",
    "/etc/passwd",
    "a\x00b",
    "\x1b]52;c;QQ==\x1b\\",
    "\x1b[2J\x9b2J",
    "\u202egnp.exe\u2066",
    "[/foo][@click=app.quit]x",
    "$(touch x)`id`",
    "https://[x",
    "http://169.254.169.254/",
    "0001-01-01T00:00:00+23:59",
    "9999-12-31T23:59:59-23:59",
    "2026-11-22T00:00:00Z",
    "2026-11-22T00:00:00",
    "e\u0301\U0001f469\u200d\U0001f4bb" * 3,
    "٣",
    "-1",
    [],
    {},
    [[]],
    [None],
    [{}],
    {"": None},
    {"type": "message"},
)
_BYTES: Final = (
    b"\x00",
    b"\xff",
    b"\xc3\x28",
    b"\xed\xa0\x80",
    b"\xef\xbb\xbf",
    b"\r\n",
    b"\n\n",
    b"\r",
    b"\x1b[31m",
    b"\x9b",
    b"{",
    b"[",
    b'"',
    b"}",
    b"&a",
    b"*a",
    b"<<: *a\n",
    b"!!python/object:os.system ",
    b"? ",
    b"- ",
    b": ",
    b"\t",
    b"%",
    b"\\u",
    b"9" * 30,
)


@lru_cache(maxsize=256)
def _parsed(data: bytes, form: Form) -> Any:
    """The value that stands there; None where there is none that could be written again."""
    if len(data) > _STRUCTURED:
        return None
    try:
        if form == "json" or data[:1] == b"{":
            return json.loads(data)
        # Its loader has no limits of its own: it unfolds aliases, and dies of deep nesting.
        plain = b"*" not in data and max(map(data.count, (b"[", b"{", b"- ", b"? "))) < 200
        return yaml.load(data, Loader=_LOADER) if plain else None
    except (ValueError, RecursionError, yaml.YAMLError):
        return None


class Mutator:
    """Inputs for one harness, drawn from a generator of numbers."""

    def __init__(self, harness: Harness, seeds: Sequence[bytes], random: Random) -> None:
        self._seeds = list(seeds)
        self._tokens = (*harness.tokens, *_BYTES)
        self._form: Form = harness.form
        self.random = random

    def next(self) -> bytes:
        """Another input."""
        return self.changed(self.random.choice(self._seeds))

    def changed(self, data: bytes) -> bytes:
        """This input, changed at one or more places."""
        random = self.random
        for _ in range(random.choice((1, 1, 1, 2, 3, 6))):
            if self._form != "bytes" and random.random() < 0.65:
                data = self._structured(data)
            else:
                data = self._as_bytes(data)
        return data[:LARGEST]

    def _structured(self, data: bytes) -> bytes:
        if self._form == "lines":
            return self._lines(data)
        found = _parsed(data, self._form)
        if found is None:
            return self._as_bytes(data)
        if self._form == "yaml" and self.random.random() < 0.3:
            try:
                return yaml.safe_dump(self._tree(found), allow_unicode=True).encode("utf-8", "replace")
            except (yaml.YAMLError, RecursionError):
                return data
        return self._written(self._tree(found))

    def _lines(self, data: bytes) -> bytes:
        lines = data.split(b"\n")
        random = self.random
        at = random.randrange(len(lines))
        match random.randrange(6):
            case 0:
                lines.insert(at, random.choice(lines))
            case 1:
                del lines[at]
            case 2:
                lines[at] = self._as_bytes(lines[at])
            case _:
                found = _parsed(lines[at], "json")
                lines[at] = self._as_bytes(lines[at]) if found is None else self._written(self._tree(found))
        return b"\n".join(lines)

    def _written(self, value: Any) -> bytes:
        try:
            text = json.dumps(value, ensure_ascii=self.random.random() < 0.5)
        except (ValueError, RecursionError, TypeError):
            return b"{}"
        for number, raw in enumerate(_RAW_VALUES):
            text = text.replace(json.dumps(_RAW % number), raw)
        return text.encode("utf-8", "surrogatepass")

    def _tree(self, value: Any) -> Any:
        """The value with one place in it changed."""
        random = self.random
        if not isinstance(value, (dict, list)) or not value or random.random() < 0.08:
            return self._other(value)
        keys: list[Any] = list(value) if isinstance(value, dict) else list(range(len(value)))
        key = random.choice(keys)
        copy: Any = dict(value) if isinstance(value, dict) else list(value)
        match random.randrange(12):
            case 0:
                del copy[key]
            case 1 if isinstance(copy, dict):
                copy[random.choice(("", "x", "\x1b[2J", "__proto__", "status", "name", str(key) * 40))] = (
                    copy[key]
                )
            case 1 | 2 if isinstance(copy, list):
                copy[key:key] = [copy[key]] * random.choice((1, 3, 100))
            case 3:
                copy[key] = self._other(copy[key])
            case _:
                copy[key] = self._tree(copy[key])
        return copy

    def _other(self, value: Any) -> Any:
        random = self.random
        match random.randrange(7):
            case 0:
                return _RAW % random.randrange(len(_RAW_VALUES))
            case 1 if isinstance(value, str):
                return value + random.choice([each for each in _VALUES if isinstance(each, str)])
            case 1 | 2 if isinstance(value, str):
                return value * random.choice((2, 50, 2000)) if len(value) < 500 else value[: len(value) // 2]
            case 3 if isinstance(value, (int, float)) and not isinstance(value, bool):
                return random.choice(
                    (-value, value * 1000, value + 1, str(value), float(max(-1e300, min(value, 1e300))))
                )
            case 4:
                return self._nested(value)
            case 5:
                return random.choice(self._tokens).decode("utf-8", "replace")
        return random.choice(_VALUES)

    def _nested(self, value: Any) -> Any:
        for _ in range(self.random.choice(_DEEP[:4])):
            value = [value] if self.random.random() < 0.5 else {"a": value}
        return value

    def _as_bytes(self, data: bytes) -> bytes:
        if not data:
            return self.random.choice(self._tokens)
        return self.random.choice(_BYTE_CHANGES)(self, data)

    def _place(self, data: bytes) -> tuple[int, int]:
        start = self.random.randrange(len(data))
        return start, min(len(data), start + self.random.choice((1, 1, 4, 16, 64, len(data))))

    def _flip(self, data: bytes) -> bytes:
        at = self.random.randrange(len(data))
        return data[:at] + bytes([data[at] ^ (1 << self.random.randrange(8))]) + data[at + 1 :]

    def _any_byte(self, data: bytes) -> bytes:
        at = self.random.randrange(len(data))
        return data[:at] + bytes([self.random.randrange(256)]) + data[at + 1 :]

    def _token(self, data: bytes) -> bytes:
        at = self.random.randrange(len(data) + 1)
        return data[:at] + self.random.choice(self._tokens) + data[at:]

    def _cut(self, data: bytes) -> bytes:
        start, end = self._place(data)
        return data[:start] + data[end:]

    def _end(self, data: bytes) -> bytes:
        return data[: self.random.randrange(len(data))]

    def _again(self, data: bytes) -> bytes:
        start, end = self._place(data)
        times = self.random.choice((2, 3, 50, 2000))
        return data[:start] + data[start:end] * min(times, _AGAIN // (end - start) + 1) + data[end:]

    def _splice(self, data: bytes) -> bytes:
        other = self.random.choice(self._seeds) or b"\0"
        return data[: self.random.randrange(len(data))] + other[self.random.randrange(len(other)) :]

    def _deep(self, data: bytes) -> bytes:
        at, times = self.random.randrange(len(data) + 1), self.random.choice(_DEEP)
        return data[:at] + self.random.choice((b"[", b'{"a":', b"- ", b"{a: ", b"? ")) * times + data[at:]


_BYTE_CHANGES: Final[tuple[Callable[[Mutator, bytes], bytes], ...]] = (
    Mutator._flip,
    Mutator._any_byte,
    Mutator._token,
    Mutator._token,
    Mutator._cut,
    Mutator._end,
    Mutator._again,
    Mutator._splice,
    Mutator._deep,
)
