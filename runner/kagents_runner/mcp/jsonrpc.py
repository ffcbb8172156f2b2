"""The Model Context Protocol over stdio, as far as a server with tools needs it: one JSON-RPC message a line.

Source: the specification of 2025-06-18, "Lifecycle", "Transports" and "Tools".
"""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, BinaryIO

import orjson

LINE_BYTES = 4 * 1024 * 1024
PROTOCOL_VERSIONS = ("2025-06-18", "2025-03-26", "2024-11-05")
"""Newest first; the answer is the client's own version if it is one of these, else the newest."""

_LONGEST_ID = 1000
_PARSE_ERROR, _INVALID_REQUEST, _UNKNOWN_METHOD, _INVALID_PARAMETERS = -32700, -32600, -32601, -32602


class RefusedError(Exception):
    """A tool call that is refused; the text goes to the model, which can act on it."""


@dataclass(frozen=True, slots=True)
class Tool:
    """A tool: its name, what the model is told, the arguments (all texts), and what it does."""

    name: str
    description: str
    arguments: Mapping[str, str]
    """Name of each argument, all required, and its description."""
    limits: Mapping[str, int]
    """Longest accepted text of each argument, in characters."""
    call: Callable[[Mapping[str, str]], str]
    """Returns what the model reads. Raises ``RefusedError``."""

    def schema(self) -> dict[str, Any]:
        """The entry of ``tools/list``."""
        return {
            "name": self.name,
            "description": self.description,
            "inputSchema": {
                "type": "object",
                "properties": {
                    name: {"type": "string", "description": text, "maxLength": self.limits[name]}
                    for name, text in self.arguments.items()
                },
                "required": list(self.arguments),
                "additionalProperties": False,
            },
        }

    def checked(self, given: object) -> dict[str, str]:
        """The arguments, all there and all texts within their limits. Raises ``RefusedError``."""
        values = given if isinstance(given, dict) else {}
        unknown = sorted(set(values) - set(self.arguments))
        if unknown:
            raise RefusedError(f"{self.name} has no argument {unknown[0]!r}.")
        for name in self.arguments:
            value = values.get(name)
            if not isinstance(value, str) or not value.strip():
                raise RefusedError(f"{self.name} needs the argument {name!r}: a text that is not empty.")
            if len(value) > self.limits[name]:
                raise RefusedError(
                    f"{name!r} has {len(value)} characters; at most {self.limits[name]} are allowed."
                )
        return {name: str(value).encode(errors="replace").decode() for name, value in values.items()}


class Server:
    """Answers messages; holds no state but its tools."""

    def __init__(self, name: str, version: str, instructions: str, tools: Sequence[Tool]) -> None:
        self._information = {"name": name, "version": version}
        self._instructions = instructions
        self._tools = {tool.name: tool for tool in tools}

    def answer(self, line: bytes) -> dict[str, Any] | None:
        """The response to one line, or None for a notification."""
        try:
            message = json.loads(line)  # not orjson: a lone surrogate of a model must not lose its request
        except (ValueError, RecursionError):
            return _error(None, _PARSE_ERROR, "not JSON")
        if not isinstance(message, dict) or not isinstance(message.get("method"), str):
            return _error(None, _INVALID_REQUEST, "not a request")
        if "id" not in message:
            return None
        if not _can_be_given_back(message["id"]):
            return _error(None, _INVALID_REQUEST, "the id is no short text or number")
        identity, parameters = message["id"], message.get("params")
        match message["method"]:
            case "initialize":
                return _result(identity, self._initialize(parameters))
            case "ping":
                return _result(identity, {})
            case "tools/list":
                return _result(identity, {"tools": [tool.schema() for tool in self._tools.values()]})
            case "tools/call":
                return self._call(identity, parameters if isinstance(parameters, dict) else {})
        return _error(identity, _UNKNOWN_METHOD, "unknown method")

    def serve(self, reader: BinaryIO, writer: BinaryIO) -> None:
        """Answers until the client closes its end."""
        while line := reader.readline(LINE_BYTES):
            if not line.strip():
                continue
            response = self.answer(line)
            if response is not None:
                writer.write(orjson.dumps(response, option=orjson.OPT_APPEND_NEWLINE))
                writer.flush()

    def _initialize(self, parameters: object) -> dict[str, Any]:
        asked = parameters.get("protocolVersion") if isinstance(parameters, dict) else None
        return {
            "protocolVersion": asked if asked in PROTOCOL_VERSIONS else PROTOCOL_VERSIONS[0],
            "capabilities": {"tools": {}},
            "serverInfo": self._information,
            "instructions": self._instructions,
        }

    def _call(self, identity: object, parameters: Mapping[str, Any]) -> dict[str, Any]:
        tool = self._tools.get(str(parameters.get("name")))
        if tool is None:
            return _error(identity, _INVALID_PARAMETERS, "unknown tool")
        try:
            text, failed = tool.call(tool.checked(parameters.get("arguments"))), False
        except RefusedError as refusal:
            text, failed = str(refusal), True
        except OSError as error:
            text, failed = (
                f"{tool.name} failed: {error.strerror or 'the team directory cannot be used'}.",
                True,
            )
        return _result(identity, {"content": [{"type": "text", "text": text}], "isError": failed})


def _can_be_given_back(identity: object) -> bool:
    """Whether it is an id: what is none could not be written into an answer."""
    if isinstance(identity, str):
        return len(identity) <= _LONGEST_ID and identity.isprintable()
    return identity is None or (isinstance(identity, int | float) and abs(identity) < 2**63)


def _result(identity: object, result: dict[str, Any]) -> dict[str, Any]:
    return {"jsonrpc": "2.0", "id": identity, "result": result}


def _error(identity: object, code: int, message: str) -> dict[str, Any]:
    return {"jsonrpc": "2.0", "id": identity, "error": {"code": code, "message": message}}
