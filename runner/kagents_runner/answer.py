"""``kagents-runner answer``: hands a person's answer to the recorder and says what became of it.

Reads ``{"agent", "request", "allow", "by"}`` and, where they apply, ``reason``, ``choices``, ``mode`` and
``id`` from stdin. The recorder judges: of two people who answer at once, one is refused. The same ``id``
again is the same answer, not a second one.
"""

import argparse
import secrets
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import orjson

from kagents_runner.send import queue, refused, team_dir

DOCUMENT_LIMIT: Final = 256 * 1024
"""Bytes of an answer."""
WAIT_SECONDS: Final = 20.0
"""How long the recorder may take to judge it."""
_RESULT_LIMIT: Final = 64 * 1024
_LOOK_SECONDS: Final = 0.02
_FIELDS: Final = ("id", "agent", "request", "allow", "by", "reason", "choices", "mode")


async def run(arguments: argparse.Namespace, environment: Mapping[str, str]) -> int:
    """Prints ``{"request": …}`` and returns 0 once it is taken. Raises RunnerError (64) when refused."""
    folder = team_dir(environment) / "answers"
    document = _read()
    try:
        folder.mkdir(exist_ok=True)
        path = folder / queue(folder, document["id"], orjson.dumps(document))
    except OSError as error:
        raise refused(f"The answer cannot be queued: {error.strerror}.", code=1) from error
    sentence = _verdict(path.with_suffix(".result"))
    if sentence is not None:
        raise refused(sentence)
    sys.stdout.write(orjson.dumps({"request": document["request"], "id": document["id"]}).decode() + "\n")
    sys.stdout.flush()
    return 0


def _read() -> dict[str, Any]:
    data = sys.stdin.buffer.read(DOCUMENT_LIMIT + 1)
    if len(data) > DOCUMENT_LIMIT:
        raise refused(f"The answer is longer than {DOCUMENT_LIMIT} bytes; shorten it.")
    try:
        value = orjson.loads(data)
    except orjson.JSONDecodeError as error:
        raise refused(f"The answer is not JSON: {error}.") from error
    if not isinstance(value, dict) or not isinstance(value.get("agent"), str | None):
        raise refused("The answer is not a JSON object.")
    for name in ("agent", "request", "allow"):
        if name not in value:
            raise refused(f"The answer has no {name}.")
    document = {name: value[name] for name in _FIELDS if name in value}
    identity = document.setdefault("id", secrets.token_hex(16))
    if not isinstance(identity, str) or not identity.isalnum() or len(identity) > 64:
        raise refused("The id of an answer is a text of letters and digits.")
    return document


def _verdict(path: Path) -> str | None:
    """What the recorder says: a refusal, or None. Raises RunnerError when it says nothing in time."""
    end = time.monotonic() + WAIT_SECONDS
    while time.monotonic() < end:
        try:
            with path.open("rb") as file:
                result = orjson.loads(file.read(_RESULT_LIMIT))
        except FileNotFoundError:
            time.sleep(_LOOK_SECONDS)
            continue
        path.unlink(missing_ok=True)
        found = result.get("refused")
        return None if found is None else str(found)
    raise refused(
        f"The recorder did not confirm the answer within {WAIT_SECONDS:.0f} s; it stays queued. "
        "Look at the requests before answering again.",
        code=1,
    )
