"""The checking forge as a program of a pod: git over HTTP, and pull requests; beside ``forge_server``.

What it was asked stands in ``/tmp/forge.json``. The image has no jsonschema: fields are held to GitHub's
description by the same server in the tests of finishing.
"""

import json
import os
import subprocess
import sys
import types
from pathlib import Path

from aiohttp import web

FOLDER = Path("/model/unit/finish")
ROOT = Path("/tmp/forge")
REPORT = Path("/tmp/forge.json")
PORT = 8080


def unchecked(*_: object) -> None:
    """Stands in for ``jsonschema.validate``."""


schemas = types.ModuleType("jsonschema")
schemas.__dict__.update(validate=unchecked, ValidationError=ValueError)
sys.modules["jsonschema"] = schemas
sys.path.insert(0, str(FOLDER))
from forge_server import ForgeServer  # noqa: E402 - beside this program in the pod


def git(*arguments: str) -> None:
    subprocess.run(["git", *arguments], check=True)


def repository() -> None:
    """acme/backend with one commit on ``main``."""
    seed = ["-C", "/tmp/seed", "-c", "user.name=t", "-c", "user.email=t@example.test"]
    git("init", "-q", "-b", "main", "/tmp/seed")
    git(*seed, "commit", "-q", "--allow-empty", "-m", "Begin")
    git("clone", "-q", "--bare", "/tmp/seed", str(ROOT / "acme/backend.git"))


def main() -> None:
    repository()
    forge = ForgeServer(root=ROOT, url=os.environ.get("FORGE_URL", "http://forge.test"))

    async def report(*_: object) -> None:
        told = {"requests": forge.requests, "complaints": forge.complaints, "calls": forge.calls}
        written = REPORT.with_suffix(".new")
        written.write_text(json.dumps(told))
        written.replace(REPORT)

    app = forge.app()
    app.on_response_prepare.append(report)
    web.run_app(app, host="0.0.0.0", port=PORT, print=None)


if __name__ == "__main__":
    main()
