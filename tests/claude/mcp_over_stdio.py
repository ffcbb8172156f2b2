"""A Model Context Protocol server over stdio with one tool that tells how it was started, but no secret."""

import json
import os
import sys
from typing import Any


def about() -> str:
    """What the test wants to know."""
    credential = [name for name in os.environ if name.startswith(("ANTHROPIC_", "CLAUDE"))]
    told = {
        "arguments": " ".join(sys.argv[1:]),
        "DB_HOST": os.environ.get("DB_HOST"),
        "password": len(os.environ.get("DB_PASSWORD", "")),
        "credential": " ".join(credential) or "none",
    }
    return json.dumps(told)


def answer(method: str, parameters: dict[str, Any]) -> dict[str, Any]:
    """The result of one request."""
    if method == "initialize":
        version = parameters["protocolVersion"]
        server = {"name": "db", "version": "1"}
        return {"protocolVersion": version, "capabilities": {"tools": {}}, "serverInfo": server}
    if method == "tools/list":
        schema = {"type": "object", "properties": {}}
        return {"tools": [{"name": "look", "description": "Looks.", "inputSchema": schema}]}
    return {"content": [{"type": "text", "text": about()}]}


for line in sys.stdin:
    message = json.loads(line)
    if "id" in message:
        result = answer(message["method"], message.get("params") or {})
        print(json.dumps({"jsonrpc": "2.0", "id": message["id"], "result": result}), flush=True)
