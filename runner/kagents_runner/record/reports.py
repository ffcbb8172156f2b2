"""Results that agents have reported, as the status shows them. Pure."""

from collections.abc import Mapping, MutableMapping, Sequence
from typing import Any, Final

from kagents_core.resultnames import AUTOMATIC, KEY_PATTERN, MOST_KEYS
from kagents_core.safetext import clean

VALUE_LIMIT: Final = 256
"""Characters of a result that the status keeps; the journal has it whole."""
KEYS_SHOWN: Final = 16
"""Results of one agent that the status lists."""


def learn_report(results: MutableMapping[str, dict[str, str]], entry: Mapping[str, Any]) -> None:
    """Takes note of a journalled report; the last one of a key counts."""
    key, value, agent = entry.get("key"), entry.get("value"), entry.get("agent")
    if not (isinstance(key, str) and isinstance(value, str) and isinstance(agent, str)):
        return
    own = results.setdefault(agent, {})
    if KEY_PATTERN.fullmatch(key) and (key in own or len(own) < MOST_KEYS):
        own[key] = clean(value, limit=VALUE_LIMIT)


def shown_results(agents: Sequence[str], results: Mapping[str, Mapping[str, str]]) -> list[dict[str, Any]]:
    """The status's list: agents as declared, what kagents itself reports first, then in their order."""
    found = []
    for agent in agents:
        own = results.get(agent, {})
        order = [key for key in AUTOMATIC if key in own] + [key for key in own if key not in AUTOMATIC]
        if order:
            found.append({"agent": agent, "values": {key: own[key] for key in order[:KEYS_SHOWN]}})
    return found
