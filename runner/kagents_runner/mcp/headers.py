"""Headers for an MCP server, from its Secret to the CLI and nowhere else: ``python -I -m … headers FOLDER``.

The CLI runs this when it connects, so the values are in no file, argument or variable of the agent's.
"""

import json
import re
import sys
from pathlib import Path
from typing import Final

from kagents_runner.equipment import mounted_values

_NAME: Final = re.compile(r"^[A-Za-z0-9!#$%&'*+.^_`|~-]{1,100}$")
"""A header's name (RFC 9110, section 5.6.2)."""


def headers_of(folder: Path) -> dict[str, str]:
    """``token`` as a bearer token, every other key as the header of its name. Raises ``OSError``."""
    headers = {}
    for name, text in mounted_values(folder).items():
        value = text.strip()
        if name == "token":
            headers["Authorization"] = f"Bearer {value}"
        elif _NAME.match(name) and value.isprintable():
            headers[name] = value
    return headers


def main() -> int:
    """Prints the headers as the CLI wants them: one JSON object."""
    print(json.dumps(headers_of(Path(sys.argv[1]))))  # noqa: T201 - the CLI reads them there
    return 0


if __name__ == "__main__":
    sys.exit(main())
