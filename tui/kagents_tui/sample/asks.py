"""What an agent of the sample asks: as its team's status and as its journal tell it."""

from typing import Any, Final

Object = dict[str, Any]

ASK: Final = "perm-1795271221014-tqyv74r"
QUESTION: Final = "which database do the integration tests use?"


def requested(since: str) -> Object:
    """The request in the status."""
    return {
        "id": ASK,
        "kind": "question",
        "tool": "AskUserQuestion",
        "summary": QUESTION,
        "since": since,
        "seq": 1,
    }


def asked() -> Object:
    """The journal's entry with all of it."""
    options = [
        {"label": "PostgreSQL 16", "description": "the one in compose.yaml"},
        {"label": "SQLite", "description": "in memory, faster"},
    ]
    question = {"question": QUESTION, "header": "Database", "multiSelect": False, "options": options}
    return {
        "kind": "ask",
        "id": ASK,
        "agent": "backend-api",
        "ask": "question",
        "tool": "AskUserQuestion",
        "summary": QUESTION,
        "input": {"questions": [question]},
        "cut": False,
        "toolUseId": "toolu_1",
        "asked": "",
    }
