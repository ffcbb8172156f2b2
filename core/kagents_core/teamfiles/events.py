"""An agent's event file: native hook payloads, one JSON object a line, appended by its hooks."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from kagents_core.teamfiles.files import write_all
from kagents_core.teamfiles.layout import TeamLayout
from kagents_core.teamfiles.lines import read_lines
from kagents_core.teamfiles.mailbox import Malformed
from kagents_core.teamfiles.nativejson import NotJsonError, excerpt, line, parse, timestamp


@dataclass(frozen=True, slots=True)
class Events:
    """Payloads in their order, what could not be read, and where the next call should go on."""

    payloads: tuple[Mapping[str, Any], ...]
    malformed: tuple[Malformed, ...]
    offset: int


def append_event(layout: TeamLayout, agent: str, payload: Mapping[str, Any]) -> None:
    """Appends a payload with the time as ``kagentsAt``. Appends of several processes do not mix."""
    append_line(layout.events(agent), {**payload, "kagentsAt": timestamp()})


def append_line(path: Path, value: Mapping[str, Any]) -> None:
    """Appends one JSON line in a single write, after a line that a kill left unfinished if need be."""
    descriptor = os.open(path, os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o644)
    try:
        size = os.fstat(descriptor).st_size
        unfinished = size > 0 and os.pread(descriptor, 1, size - 1) != b"\n"
        write_all(descriptor, (b"\n" if unfinished else b"") + line(value))
    finally:
        os.close(descriptor)


def read_events(layout: TeamLayout, agent: str, offset: int) -> Events:
    """The payloads from byte ``offset`` on. Raises ``OSError``; a missing file is empty."""
    return parse_events(layout.events(agent), offset)


def parse_events(path: Path, offset: int) -> Events:
    """The JSON objects of any JSONL file from byte ``offset`` on, sorted into good and malformed."""
    found = read_lines(path, offset)
    payloads: list[Mapping[str, Any]] = []
    malformed: list[Malformed] = []
    for raw in filter(bytes.strip, found.lines):
        try:
            value = parse(raw)
        except NotJsonError as error:
            malformed.append(Malformed(path.name, str(error), excerpt(raw)))
            continue
        if isinstance(value, dict):
            payloads.append(value)
        else:
            malformed.append(Malformed(path.name, "not an object", excerpt(raw)))
    return Events(tuple(payloads), tuple(malformed), found.offset)
