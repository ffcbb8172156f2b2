"""What the controller asked the API server for, as the server's own audit log counts it."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import orjson
from _place import IDENTITY

READS = frozenset({"get", "list"})


@dataclass
class Requests:
    """Requests of the controller's account by (verb, resource), since ``start`` was called."""

    log: Path
    _from: int = 0
    counted: Counter[tuple[str, str]] = field(default_factory=Counter)

    def start(self) -> None:
        """Count from now on."""
        self._from = self.log.stat().st_size
        self.counted.clear()

    def read(self) -> "Requests":
        """Take in what has been written since."""
        for verb, resource in self._entries():
            self.counted[verb, resource] += 1
        return self

    def _entries(self) -> Iterator[tuple[str, str]]:
        with self.log.open("rb") as file:
            file.seek(self._from)
            for line in file:
                if not line.endswith(b"\n"):
                    break
                self._from += len(line)
                entry = orjson.loads(line)
                if entry["user"]["username"] != IDENTITY or entry["stage"] != "ResponseComplete":
                    continue
                reference = entry.get("objectRef") or {}
                kind = reference.get("resource", entry["requestURI"])
                sub = reference.get("subresource")
                yield entry["verb"], f"{kind}/{sub}" if sub else kind

    def writes(self, *resources: str) -> int:
        """Writes apart from events and leases; of these resources only, when some are named."""
        return sum(
            count
            for (verb, resource), count in self.counted.items()
            if verb not in (*READS, "watch")
            and resource not in ("events", "leases")
            and (not resources or resource in resources)
        )

    def of(self, *resources: str, verbs: frozenset[str] | None = None) -> int:
        """Requests about these resources, with any verb but ``watch`` or with those named."""
        return sum(
            count
            for (verb, resource), count in self.counted.items()
            if resource in resources and (verb in verbs if verbs else verb != "watch")
        )

    def reads(self) -> int:
        """Gets and lists."""
        return sum(count for (verb, _), count in self.counted.items() if verb in READS)

    def listed(self) -> str:
        """Everything counted, the most frequent first."""
        return ", ".join(
            f"{count} {verb} {resource}" for (verb, resource), count in self.counted.most_common()
        )
