"""Spares an API server rules whose answer is known: it would evaluate every rule at every write of an object.

Those of a team's status and annotations are by far the most, and each looks at a field in a rule costs the
server a copy of the schema of that object (seen in Kubernetes 1.36). So what can be wrong only when an object
is made is looked at then, and the rules about changes are one, which first looks whether there is any.
"""

import re
from collections.abc import Sequence
from typing import Any, Final

Schema = dict[str, Any]

RULES: Final = "x-kubernetes-validations"
_CHANGEABLE: Final = "lifecycle"
"""The part of a spec in which fields can change that its rules look at."""
_OLD: Final = re.compile(r"\boldSelf\b")


def spared(spec: Schema) -> Schema:
    """The schema of a ``spec`` that rules keep as it was made, but for ``lifecycle`` and single texts."""
    made = _once({**spec, RULES: _states(spec)})
    return {**made, RULES: [*made[RULES], _joined(_changes(spec))]}


def _states(node: Schema) -> list[Schema]:
    return [rule for rule in node.get(RULES, ()) if not _OLD.search(rule["rule"])]


def _changes(node: Schema) -> list[Schema]:
    return [rule for rule in node.get(RULES, ()) if _OLD.search(rule["rule"])]


def _once(node: Schema) -> Schema:
    """The rules of all objects in it evaluated only for an object that was not there before."""
    found = dict(node)
    if node.get("type") == "object" and RULES in node:
        found[RULES] = [
            {"optionalOldSelf": True, **rule, "rule": f"oldSelf.hasValue() || ({rule['rule']})"}
            for rule in node[RULES]
        ]
    if "properties" in node:
        found["properties"] = {
            name: each if name == _CHANGEABLE else _once(each) for name, each in node["properties"].items()
        }
    # The entries of other lists have no former selves that a rule could look at.
    if node.get("x-kubernetes-list-type") == "map":
        found["items"] = _once(node["items"])
    return found


def _joined(rules: Sequence[Schema]) -> Schema:
    """One rule that answers the sentences of all that are broken."""
    holds = " && ".join(f"({rule['rule']})" for rule in rules)
    sentences = " + ".join(f"(({rule['rule']}) ? '' : {_text(rule['message'])})" for rule in rules)
    return {
        "rule": f"self == oldSelf || ({holds})",
        "message": "a field was changed that cannot be changed after creation",
        "messageExpression": sentences,
    }


def _text(sentence: str) -> str:
    escaped = f"{sentence}. ".replace("\\", "\\\\").replace("'", "\\'")
    return f"'{escaped}'"
