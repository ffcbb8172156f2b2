"""A forge on loopback that checks every request against GitHub's published description, and fails as told.

It runs in a thread of its own, so that verbs can be tried as processes. GitLab's few calls are checked by
hand: GitLab publishes no description of them in a package.
"""

import asyncio
import base64
import json
import os
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import jsonschema
from aiohttp import web
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.hashes import SHA256

CONTRACT = json.loads((Path(__file__).parents[2] / "fixtures" / "forge" / "github.json").read_text())
TOKEN = "forge-token-canary-5d1b"
APP_TOKEN = "ghs_app-token-canary-41e8"
APP, INSTALLATION = "4711", "815"


@dataclass
class ForgeServer:
    """What the server holds and was asked."""

    requests: list[dict[str, Any]] = field(default_factory=list)
    calls: list[str] = field(default_factory=list)
    labels: dict[int, list[str]] = field(default_factory=dict)
    reviewers: dict[int, list[str]] = field(default_factory=dict)
    complaints: list[str] = field(default_factory=list)
    creations: list[str] = field(default_factory=list)
    """For each creation to come: ``ok``, a status, ``lost`` (made, then cut), ``cut`` (not made, cut)."""
    url: str = ""
    root: Path = Path("/nonexistent")
    """Folder of the repositories that are served over HTTP."""
    app_key: RSAPublicKey | None = None
    """The public key of the GitHub App that is installed."""
    minted: list[dict[str, Any]] = field(default_factory=list)
    """What tokens the App asked for."""
    checks: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    """By commit its check runs (``conclusion``) and statuses (``state``); of any other commit ``usual``."""
    usual: list[dict[str, Any]] = field(
        default_factory=lambda: [{"status": "completed", "conclusion": "success"}]
    )
    pipelines: list[dict[str, Any]] = field(default_factory=list)
    """GitLab's, of every merge request."""
    looks: list[str] = field(default_factory=list)
    """For each look at checks to come: ``ok``, a status, or ``cut``."""
    on_look: Callable[[], None] | None = None
    """What happens at the forge after each look."""
    refused: set[str] = field(default_factory=set)
    """Tokens that have expired."""
    kill: Callable[[], None] | None = None
    """Ends whoever asks, at call number ``kill_at``: before it is looked at, or once it is done."""
    kill_at: int = 0
    kill_once_done: bool = False

    def made(self) -> int:
        """How many requests exist."""
        return len(self.requests)

    def app(self) -> web.Application:
        app = web.Application(middlewares=[self._checked])
        for prefix in ("", "/api/v3"):
            path = prefix + "/repos/{owner}/{repo}"
            app.router.add_get(path + "/pulls", self._list)
            app.router.add_post(path + "/pulls", self._create)
            app.router.add_get(path + "/commits/{ref}/check-runs", self._check_runs)
            app.router.add_get(path + "/commits/{ref}/status", self._statuses)
            app.router.add_post(path + "/issues/{number}/labels", self._label)
            app.router.add_post(path + "/pulls/{number}/requested_reviewers", self._ask)
            app.router.add_post(prefix + "/app/installations/{installation}/access_tokens", self._mint)
        app.router.add_route("*", "/{owner}/{repo}.git/{rest:.*}", self._git)
        app.router.add_get("/projects/{id}/merge_requests", self._list_gitlab)
        app.router.add_post("/projects/{id}/merge_requests", self._create_gitlab)
        app.router.add_put("/projects/{id}/merge_requests/{number}", self._change_gitlab)
        app.router.add_get("/projects/{id}/merge_requests/{number}/pipelines", self._pipelines_gitlab)
        app.router.add_get("/users", self._users_gitlab)
        return app

    @web.middleware
    async def _checked(self, request: web.Request, handler: Any) -> web.StreamResponse:
        self.calls.append(f"{request.method} {request.path}")
        due = self.kill is not None and len(self.calls) == self.kill_at
        if due and not self.kill_once_done:
            self._kill()
            return await _hang_up(request)
        answer = await self._answered(request, handler)
        if due:
            self._kill()
        return answer

    def _kill(self) -> None:
        assert self.kill is not None
        self.kill()

    async def _answered(self, request: web.Request, handler: Any) -> web.StreamResponse:
        if ".git/" in request.path:
            served: web.StreamResponse = await handler(request)
            return served
        kind, _, shown = request.headers.get("Authorization", "").partition(" ")
        app = request.path.endswith("/access_tokens")
        if kind != "Bearer" or not (self._is_app(shown) if app else self._opens(shown)):
            return web.json_response({"message": "Bad credentials"}, status=401)
        if TOKEN in request.path_qs:
            self.complaints.append("the token is in the address")
        if "/repos/" in request.path or app:
            await self._hold_to_contract(request)
        result: web.StreamResponse = await handler(request)
        return result

    async def _hold_to_contract(self, request: web.Request) -> None:
        resource = request.match_info.route.resource
        assert resource is not None
        path = resource.canonical.removeprefix("/api/v3")
        path = path.replace("{installation}", "{installation_id}")
        for name in ("{issue_number}", "{pull_number}"):
            known = f"{request.method} {path.replace('{number}', name)}"
            if known in CONTRACT:
                break
        contract = CONTRACT[known]
        for name, value in request.query.items():
            schema = contract["query"].get(name)
            if schema is None:
                self.complaints.append(f"{known}: unknown parameter {name}")
            elif "enum" in schema and value not in schema["enum"]:
                self.complaints.append(f"{known}: {name}={value}")
        if contract["body"] is not None:
            try:
                body = await request.json()
                jsonschema.validate(body, contract["body"])
                unknown = set(body) - _properties(contract["body"])
                if unknown:
                    self.complaints.append(f"{known}: unknown fields {unknown}")
            except jsonschema.ValidationError as error:
                self.complaints.append(f"{known}: {error.message}")

    def _opens(self, token: str) -> bool:
        """Whether it is a token that holds; an App's does once it has been made."""
        return token not in self.refused and (token == TOKEN or (token == APP_TOKEN and bool(self.minted)))

    def _is_app(self, word: str) -> bool:
        """Whether the App has signed this, for now and for at most ten minutes."""
        text, _, signature = word.rpartition(".")
        try:
            assert self.app_key is not None
            self.app_key.verify(_plain(signature), text.encode(), PKCS1v15(), SHA256())
        except (InvalidSignature, AssertionError):
            return False
        head, claims = (json.loads(_plain(part)) for part in text.split("."))
        now = time.time()
        return bool(
            head["alg"] == "RS256"
            and claims["iss"] == APP
            and claims["iat"] <= now < claims["exp"] <= claims["iat"] + 600
        )

    async def _mint(self, request: web.Request) -> web.Response:
        if request.match_info["installation"] != INSTALLATION:
            return web.json_response({"message": "Not Found"}, status=404)
        self.minted.append(await request.json())
        made = dict.fromkeys(CONTRACT["POST /app/installations/{installation_id}/access_tokens"]["answer"])
        return web.json_response(made | {"token": APP_TOKEN}, status=201)

    async def _list(self, request: web.Request) -> web.Response:
        head = request.query.get("head", "").partition(":")[2]
        state = request.query.get("state", "open")
        found = [
            each for each in self.requests if each["head"]["ref"] == head and state in ("all", each["state"])
        ]
        return web.json_response(found)

    async def _create(self, request: web.Request) -> web.StreamResponse:
        body = await request.json()
        plan = self.creations.pop(0) if self.creations else "ok"
        if plan.isdecimal():
            return web.json_response({"message": "said so", "errors": []}, status=int(plan))
        if plan == "cut":
            return await _hang_up(request)
        duplicate = [
            each for each in self.requests if each["head"]["ref"] == body["head"] and each["state"] == "open"
        ]
        if duplicate:
            errors = [{"message": "A pull request already exists"}]
            return web.json_response({"message": "Validation Failed", "errors": errors}, status=422)
        number = len(self.requests) + 1
        made = dict.fromkeys(CONTRACT["POST /repos/{owner}/{repo}/pulls"]["answer"])
        made |= {
            "number": number,
            "state": "open",
            "html_url": f"{self.url}/pull/{number}",
            "draft": body["draft"],
        }
        made |= {"title": body["title"], "body": body["body"], "head": {"ref": body["head"]}}
        made |= {"base": {"ref": body["base"]}}
        self.requests.append(made)
        if plan == "lost":
            return await _hang_up(request)
        if plan == "late":
            return web.json_response({"message": "upstream timed out"}, status=504)
        return web.json_response(made, status=CONTRACT["POST /repos/{owner}/{repo}/pulls"]["good"])

    async def _label(self, request: web.Request) -> web.Response:
        self.labels[int(request.match_info["number"])] = (await request.json())["labels"]
        return web.json_response([])

    async def _ask(self, request: web.Request) -> web.Response:
        body = await request.json()
        if "nobody" in body["reviewers"]:
            return web.json_response(
                {"message": "Reviews may only be requested from collaborators."}, status=422
            )
        teams = [f"team {name}" for name in body.get("team_reviewers", ())]
        self.reviewers[int(request.match_info["number"])] = body["reviewers"] + teams
        return web.json_response({}, status=201)

    async def _check_runs(self, request: web.Request) -> web.StreamResponse:
        plan = self.looks.pop(0) if self.looks else "ok"
        if plan == "cut":
            return await _hang_up(request)
        if plan != "ok":
            return web.json_response({"message": "said so"}, status=int(plan))
        return self._entries(request, "check-runs", "check_runs", "conclusion")

    async def _statuses(self, request: web.Request) -> web.Response:
        answer = self._entries(request, "status", "statuses", "state")
        if self.on_look:
            self.on_look()
        return answer

    def _entries(self, request: web.Request, path: str, name: str, kind: str) -> web.Response:
        """One page of the commit's entries of this kind, with the fields that GitHub publishes."""
        contract = CONTRACT[f"GET /repos/{{owner}}/{{repo}}/commits/{{ref}}/{path}"]
        known = contract["entries"][name]
        found = [each for each in self.checks.get(request.match_info["ref"], self.usual) if kind in each]
        size, page = int(request.query.get("per_page", 30)), int(request.query.get("page", 1))
        shown = [dict.fromkeys(known) | each for each in found[size * (page - 1) :][:size]]
        answer = dict.fromkeys(contract["answer"]) | {"total_count": len(found), name: shown}
        return web.json_response(answer)

    async def _git(self, request: web.Request) -> web.StreamResponse:
        """Git's smart HTTP by git's own program, for whoever has the token."""
        user, _, password = _basic(request).partition(":")
        if not self._opens(password):
            return web.Response(status=401, headers={"WWW-Authenticate": 'Basic realm="forge"'})
        variables = {
            "PATH": os.environ["PATH"],
            "GIT_PROJECT_ROOT": str(self.root),
            "GIT_HTTP_EXPORT_ALL": "1",
            "PATH_INFO": request.path,
            "REMOTE_USER": user,
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
        status = int(headers.pop("Status", "200").split()[0])
        return web.Response(status=status, headers=headers, body=body)

    # GitLab

    async def _list_gitlab(self, request: web.Request) -> web.Response:
        return web.json_response(
            [each for each in self.requests if each["source_branch"] == request.query["source_branch"]]
        )

    async def _create_gitlab(self, request: web.Request) -> web.Response:
        body = await request.json()
        if set(body) != {"source_branch", "target_branch", "title", "description"}:
            self.complaints.append(f"fields {sorted(body)}")
        number = len(self.requests) + 1
        made = body | {"iid": number, "state": "opened", "web_url": f"{self.url}/-/merge_requests/{number}"}
        self.requests.append(made)
        return web.json_response(made, status=201)

    async def _change_gitlab(self, request: web.Request) -> web.Response:
        body = await request.json()
        number = int(request.match_info["number"])
        if "add_labels" in body:
            self.labels[number] = body["add_labels"].split(",")
        if "reviewer_ids" in body:
            self.reviewers[number] = [str(each) for each in body["reviewer_ids"]]
        return web.json_response({})

    async def _pipelines_gitlab(self, request: web.Request) -> web.Response:
        return web.json_response(self.pipelines)

    async def _users_gitlab(self, request: web.Request) -> web.Response:
        return web.json_response([{"id": 7, "username": request.query["username"]}])


def _basic(request: web.Request) -> str:
    """User and password of the request, or nothing."""
    kind, _, value = request.headers.get("Authorization", "").partition(" ")
    return base64.b64decode(value).decode() if kind == "Basic" else ""


def _plain(text: str) -> bytes:
    """Base64 as web tokens write it."""
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def _properties(schema: dict[str, Any]) -> set[str]:
    found = set(schema.get("properties", {}))
    for each in schema.get("oneOf", ()):
        found |= _properties(each)
    return found


async def _hang_up(request: web.Request) -> web.StreamResponse:
    assert request.transport is not None
    request.transport.abort()
    return web.Response()


@contextmanager
def served(tls: ssl.SSLContext | None = None) -> Iterator[ForgeServer]:
    """A forge that listens while the context lasts; over https when it is given a certificate."""
    forge = ForgeServer()
    loop = asyncio.new_event_loop()
    runner = web.AppRunner(forge.app(), handle_signals=False)

    async def start() -> None:
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0, ssl_context=tls)
        await site.start()
        port = runner.addresses[0][1]
        forge.url = f"http{'s' if tls else ''}://127.0.0.1:{port}"

    loop.run_until_complete(start())
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    try:
        yield forge
    finally:
        asyncio.run_coroutine_threadsafe(runner.cleanup(), loop).result(10)
        loop.call_soon_threadsafe(loop.stop)
        thread.join(10)
        loop.close()
