"""A model server on loopback whose answers are scripted: what the real CLI talks to in these tests."""

from scripted_model.conversation import Conversation, read_conversation
from scripted_model.script import Call, Cut, Fail, Reply, Rule, Say, Script, undelivered
from scripted_model.server import ScriptedModel

__all__ = [
    "Call",
    "Conversation",
    "Cut",
    "Fail",
    "Reply",
    "Rule",
    "Say",
    "Script",
    "ScriptedModel",
    "read_conversation",
    "undelivered",
]
