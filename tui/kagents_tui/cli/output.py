"""How answers are written: tables made safe for a terminal; JSON and YAML for programs, in plain ASCII."""

import json
import sys
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from kagents_core.safetext import clean, cut_to_width, width

CELL_LIMIT = 2_000
"""Characters of a cell that are looked at."""


def write(text: str) -> None:
    """Text to standard output. Characters that the terminal's encoding lacks are escaped, never an error."""
    encoding = sys.stdout.encoding or "utf-8"
    sys.stdout.write(text.encode(encoding, errors="backslashreplace").decode(encoding))
    sys.stdout.flush()


def write_json(value: Any) -> None:
    """One JSON document. Everything beyond printable ASCII is escaped, so it cannot command a terminal."""
    write(json.dumps(value, indent=2) + "\n")


def write_json_line(value: Mapping[str, Any]) -> None:
    """One object on one line, escaped like :func:`write_json`."""
    write(json.dumps(value, separators=(",", ":")) + "\n")


def write_yaml(value: Any) -> None:
    """One YAML document in plain ASCII."""
    import yaml

    class Dumper(yaml.SafeDumper):
        def ignore_aliases(self, data: Any) -> bool:
            return True

    write(yaml.dump(value, Dumper=Dumper, sort_keys=False, allow_unicode=False))


def write_table(
    columns: Sequence[str], rows: Iterable[Sequence[object]], *, widest: int | None = None
) -> None:
    """Columns under their headings; the last column is cut to the terminal's ``widest`` cells, if given."""
    cells = [[clean(str(value), limit=CELL_LIMIT, multiline=False) for value in row] for row in rows]
    widths = [max([len(name), *(width(row[index]) for row in cells)]) for index, name in enumerate(columns)]
    lines = []
    for row in [[clean(name) for name in columns], *cells]:
        padded = [text + " " * (size - width(text)) for text, size in zip(row[:-1], widths, strict=False)]
        start = "   ".join(padded) + ("   " if padded else "")
        last = row[-1] if widest is None else cut_to_width(row[-1], max(10, widest - width(start)))
        lines.append((start + last).rstrip())
    write("\n".join(lines) + "\n")


def terminal_width() -> int | None:
    """Cells of a line when standard output is a terminal, else None."""
    import shutil

    return shutil.get_terminal_size().columns if sys.stdout.isatty() else None


def as_list(items: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Kubernetes objects as one object that ``kagents apply`` and kubectl read back."""
    return {"apiVersion": "v1", "kind": "List", "items": [without_noise(item) for item in items]}


def without_noise(item: Mapping[str, Any]) -> dict[str, Any]:
    """The object without the bookkeeping of field managers."""
    metadata = {key: value for key, value in item["metadata"].items() if key != "managedFields"}
    return {**item, "metadata": metadata}
