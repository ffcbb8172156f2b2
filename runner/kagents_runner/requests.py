"""What an agent asks of the recorder: one file a request, which the recorder journals and removes."""

import time
import uuid
from collections.abc import Mapping
from datetime import UTC, datetime

import orjson

from kagents_core.teamfiles.files import replace_file
from kagents_core.teamfiles.layout import TeamLayout


def request(
    layout: TeamLayout, agent: str, kind: str, arguments: Mapping[str, str], identity: str | None = None
) -> None:
    """Leaves a request; the same ``identity`` again is the same request. Raises ``OSError``."""
    identity = identity or f"{time.time_ns():020d}-{uuid.uuid4().hex[:8]}"
    at = datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    folder = layout.requests(agent)
    folder.mkdir(parents=True, exist_ok=True)
    document = {"id": identity, "agent": agent, "kind": kind, "at": at, **arguments}
    replace_file(folder / f"{identity}.json", orjson.dumps(document), durable=True)
