"""An agent's session on disk: where its transcript is, and whether there is a conversation to go on with."""

from pathlib import Path

import orjson

from kagents_core.teamfiles.lines import read_lines

ALREADY_IN_USE = "already in use"
NOT_FOUND = "No conversation found"
"""What the CLI says when ``--session-id`` or ``--resume`` does not fit what is on disk."""


def find_transcript(home: Path, session_id: str) -> Path | None:
    """The session's transcript, whatever folder the CLI derived from the working directory."""
    found = sorted((home / "projects").glob(f"*/{session_id}.jsonl"))
    return found[0] if found else None


def has_conversation(transcript: Path | None) -> bool:
    """Whether a user turn stands in it: one killed before its first turn cannot be resumed."""
    offset = 0
    while transcript is not None:
        found = read_lines(transcript, offset)
        if any(_is_turn(line) for line in found.lines):
            return True
        if found.offset == offset:
            return False
        offset = found.offset
    return False


def _is_turn(line: bytes) -> bool:
    if b'"user"' not in line:
        return False
    try:
        entry = orjson.loads(line)
    except orjson.JSONDecodeError:
        return False
    return isinstance(entry, dict) and entry.get("type") == "user"
