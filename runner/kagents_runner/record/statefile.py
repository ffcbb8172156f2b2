"""Parts of an agent's state file, which another container wrote: nothing of it is sure."""

from typing import Final

from kagents_core.safetext import clean

_MOST_SERVERS: Final = 32
_REASON_LIMIT: Final = 300
_MOST_NAMES: Final = 20
_NAME_LIMIT: Final = 200


def unreachable_in(value: object) -> list[dict[str, str]]:
    """The MCP servers that the agent cannot reach."""
    found = []
    for each in value[:_MOST_SERVERS] if isinstance(value, list) else ():
        server, reason = (each.get("server"), each.get("reason")) if isinstance(each, dict) else (None, None)
        if isinstance(server, str) and isinstance(reason, str):
            found.append({"name": server[:63], "reason": clean(reason, limit=_REASON_LIMIT, multiline=False)})
    return found


def names_in(value: object) -> list[str]:
    """Names of files, as the state file lists them."""
    names = [each for each in value if isinstance(each, str)] if isinstance(value, list) else []
    return [clean(name, limit=_NAME_LIMIT, multiline=False) for name in names[:_MOST_NAMES]]
