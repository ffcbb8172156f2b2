"""A server over HTTPS on loopback: a git repository and its large files, and another host that stores them.

Both hold what they were asked with, so that a test can say who was shown the token.
"""

import asyncio
import base64
import hashlib
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from aiohttp import web
from loopback_tls import tls_for_loopback

TOKEN = "lfs-token-canary-90c2"
_KIND = "application/vnd.git-lfs+json"


@dataclass
class LargeFileServer:
    """The repository's host, and the storage that it sends clients to."""

    folder: Path
    objects: dict[str, bytes] = field(default_factory=dict)
    elsewhere: bool = False
    """Objects are at the other host, as with cloud storage."""
    greedy: bool = False
    """The other host answers that it wants a credential."""
    seen: list[tuple[str, str, str]] = field(default_factory=list)
    """For each request: which host, method and path, and the credential that was shown."""
    url: str = ""
    storage: str = ""

    @property
    def certificate(self) -> Path:
        """What clients have to trust."""
        return self.folder / "certificate.pem"

    def shown_to(self, host: str) -> set[str]:
        """The credentials that this host was shown."""
        return {shown for where, _, shown in self.seen if where == host and shown}

    def app(self, host: str) -> web.Application:
        @web.middleware
        async def noted(request: web.Request, handler: Any) -> web.StreamResponse:
            shown = request.headers.get("Authorization", "")
            plain = base64.b64decode(shown[6:]).decode() if shown.startswith("Basic ") else shown
            self.seen.append((host, f"{request.method} {request.path}", plain))
            if host == "repository" and plain.partition(":")[2] != TOKEN:
                return web.Response(status=401, headers={"WWW-Authenticate": 'Basic realm="git"'})
            if host == "storage" and self.greedy:
                return web.Response(status=401, headers={"WWW-Authenticate": 'Basic realm="storage"'})
            answer: web.StreamResponse = await handler(request)
            return answer

        app = web.Application(middlewares=[noted], client_max_size=64 * 1024 * 1024)
        app.router.add_post("/acme/backend.git/info/lfs/objects/batch", self._batch)
        app.router.add_get("/objects/{oid}", self._give)
        app.router.add_put("/objects/{oid}", self._take)
        app.router.add_route("*", "/acme/backend.git/{rest:.*}", self._git)
        return app

    async def _batch(self, request: web.Request) -> web.Response:
        asked = await request.json()
        base = self.storage if self.elsewhere else self.url
        told = []
        for each in asked["objects"]:
            known = each["oid"] in self.objects
            answer: dict[str, Any] = {"oid": each["oid"], "size": each["size"]}
            if asked["operation"] == "download" and not known:
                answer["error"] = {"code": 404, "message": "there is no such object"}
            elif asked["operation"] == "download" or not known:
                answer["actions"] = {asked["operation"]: {"href": f"{base}/objects/{each['oid']}"}}
            told.append(answer)
        return web.json_response({"transfer": "basic", "objects": told}, content_type=_KIND)

    async def _give(self, request: web.Request) -> web.Response:
        return web.Response(body=self.objects[request.match_info["oid"]])

    async def _take(self, request: web.Request) -> web.Response:
        content = await request.read()
        assert hashlib.sha256(content).hexdigest() == request.match_info["oid"]
        self.objects[request.match_info["oid"]] = content
        return web.Response()

    async def _git(self, request: web.Request) -> web.Response:
        variables = {
            "PATH": os.environ["PATH"],
            "GIT_PROJECT_ROOT": str(self.folder),
            "GIT_HTTP_EXPORT_ALL": "1",
            "PATH_INFO": request.path,
            "REMOTE_USER": "somebody",
            "REQUEST_METHOD": request.method,
            "QUERY_STRING": request.query_string,
            "CONTENT_TYPE": request.headers.get("Content-Type", ""),
            "HTTP_CONTENT_ENCODING": request.headers.get("Content-Encoding", ""),
        }
        command = ("git", "-c", "safe.directory=*", "-c", "http.receivepack=true", "http-backend")
        pipe = asyncio.subprocess.PIPE
        process = await asyncio.create_subprocess_exec(*command, env=variables, stdin=pipe, stdout=pipe)
        output, _ = await process.communicate(await request.read())
        head, _, body = output.partition(b"\r\n\r\n")
        headers = dict(line.split(": ", 1) for line in head.decode().splitlines())
        return web.Response(status=int(headers.pop("Status", "200").split()[0]), headers=headers, body=body)


@contextmanager
def large_files_served(folder: Path) -> Iterator[LargeFileServer]:
    """Both hosts listen while the context lasts; ``acme/backend.git`` lies in ``folder``."""
    server = LargeFileServer(folder)
    loop = asyncio.new_event_loop()
    runners = {
        host: web.AppRunner(server.app(host), handle_signals=False) for host in ("repository", "storage")
    }
    context = tls_for_loopback(server.certificate)

    async def start(runner: web.AppRunner) -> str:
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0, ssl_context=context).start()
        return f"https://127.0.0.1:{runner.addresses[0][1]}"

    server.url = loop.run_until_complete(start(runners["repository"]))
    server.storage = loop.run_until_complete(start(runners["storage"]))
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        for runner in runners.values():
            asyncio.run_coroutine_threadsafe(runner.cleanup(), loop).result(10)
        loop.call_soon_threadsafe(loop.stop)
        thread.join(10)
        loop.close()
