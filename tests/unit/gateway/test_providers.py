"""Bedrock and Vertex: what the CLI sends without credentials is passed on with them, and counted.

The real providers are not asked: these tests hold what is sent against what they say they take.
"""

from collections.abc import Iterator
from contextlib import AsyncExitStack
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from gateway_place import place, streamed, told
from google_service import TokenService, account
from model_answers import MODEL, amazon, events, server_sent

from kagents_runner.gateway.signing import AmazonKey, signed
from kagents_runner.gateway.tokens import Counts
from kagents_runner.gateway.upstream import Provider

KNOWN = Counts(MODEL, 100, 20, 40, 10, 20, {})
BEDROCK = Provider("bedrock", region="eu-central-1")
AWS = {"AWS_ACCESS_KEY_ID": "AKIDEXAMPLE", "AWS_SECRET_ACCESS_KEY": "very-secret-key"}
INVOKE = "/model/eu.anthropic.claude-sonnet-4-5-20250929-v1%3A0/invoke-with-response-stream"
BODY = b'{"anthropic_version":"bedrock-2023-05-31","max_tokens":7,"messages":[]}'
VERTEX = Provider("vertex", region="europe-west1", project="our-project")
PREDICT = "/v1/projects/our-project/locations/europe-west1/publishers/anthropic/models/"


@pytest.mark.parametrize("session", ["", "session/token=="])
async def test_bedrock(tmp_path: Path, session: str) -> None:
    async def answer(request: web.BaseRequest, _: bytes) -> web.StreamResponse:
        return await streamed(request, [amazon(events())], "application/vnd.amazon.eventstream")

    secret = AWS | ({"AWS_SESSION_TOKEN": session} if session else {})
    async with place(tmp_path, provider=BEDROCK, secret=secret) as found:
        found.api.behave = answer
        status, headers, body = await found.ask(INVOKE, data=BODY)
        assert (status, body) == (200, amazon(events()))
        assert headers["Content-Type"] == "application/vnd.amazon.eventstream"
        assert found.tickets.closed == [("complete", KNOWN)]
        assert found.tickets.admitted[0][1] == "eu.anthropic.claude-sonnet-4-5-20250929-v1:0"
        (seen,) = found.api.seen
        assert (seen.target, seen.body) == (INVOKE, BODY)
        assert seen.headers.get("X-Amz-Security-Token", "") == session
        moment = datetime.strptime(seen.headers["X-Amz-Date"], "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
        expected = signed(
            AmazonKey(secret["AWS_ACCESS_KEY_ID"], secret["AWS_SECRET_ACCESS_KEY"], session),
            method="POST",
            host=found.api.url.removeprefix("http://"),
            target=INVOKE,
            body=BODY,
            region="eu-central-1",
            now=moment,
            headers={"Content-Type": "application/json"},
        )
        assert seen.headers["Authorization"] == expected["Authorization"]
        assert abs((datetime.now(UTC) - moment).total_seconds()) < 60


@pytest.mark.parametrize(
    "path",
    [
        "/model/amazon.titan-image-generator-v2%3A0/invoke",
        "/model/meta.llama3-70b-instruct-v1%3A0/invoke",
        "/model/arn%3Aaws%3Abedrock%3Aus-east-1%3A%3Afoundation-model%2Famazon.nova-pro-v1%3A0/invoke",
        "/model/anthropic.claude-3-haiku-20240307-v1%3A0/converse",
        "/model/anthropic.claude-3-haiku-20240307-v1%3A0/%2e%2e/invoke",
        "/guardrail/x/version/1/apply",
        "/v1/messages",
    ],
)
async def test_other_models_and_calls_of_bedrock_are_not_there(tmp_path: Path, path: str) -> None:
    async with place(tmp_path, provider=BEDROCK, secret=AWS) as found:
        assert (await found.ask(path))[0] == 404
        assert not found.api.seen


@pytest.mark.parametrize(
    ("path", "metered"),
    [
        ("/model/anthropic.claude-3-haiku-20240307-v1%3A0/invoke", 1),
        (
            "/model/arn%3Aaws%3Abedrock%3Aus-east-1%3A1234%3Aapplication-inference-profile%2Fab12"
            "/invoke-with-response-stream",
            1,
        ),
        ("/model/anthropic.claude-3-haiku-20240307-v1%3A0/count-tokens", 0),
    ],
)
async def test_calls_of_bedrock(tmp_path: Path, path: str, metered: int) -> None:
    async with place(tmp_path, provider=BEDROCK, secret=AWS) as found:
        assert (await found.ask(path))[0] == 200
        assert len(found.tickets.admitted) == metered


@pytest.fixture
async def stack() -> Any:
    async with AsyncExitStack() as found:
        yield found


@pytest.fixture
async def tokens(stack: AsyncExitStack) -> TokenService:
    found = TokenService()
    await found.start(stack)
    return found


async def test_vertex(tmp_path: Path, tokens: TokenService) -> None:
    async with place(tmp_path, provider=VERTEX, secret=account(tokens.url)) as found:
        path = f"{PREDICT}claude-sonnet-4-5@20250929:streamRawPredict"
        for _ in range(3):
            status, _, body = await found.ask(path, headers={"anthropic-version": "2023-06-01"})
            assert (status, body) == (200, server_sent(events()))
        assert tokens.given == 1  # kept for its hour
        assert [seen.headers["Authorization"] for seen in found.api.seen] == ["Bearer ya29.1"] * 3
        assert found.api.seen[0].target == path
        assert found.tickets.closed == [("complete", KNOWN)] * 3
        assert found.tickets.admitted[0][1] == "claude-sonnet-4-5@20250929"
        assert (await found.ask(f"{PREDICT}count-tokens:rawPredict"))[0] == 200
        assert len(found.tickets.admitted) == 3


async def test_a_token_of_google_is_renewed_before_it_ends_and_when_it_is_refused(
    tmp_path: Path, tokens: TokenService
) -> None:
    tokens.seconds = 0
    async with place(tmp_path, provider=VERTEX, secret=account(tokens.url)) as found:
        path = f"{PREDICT}claude-sonnet-4-5:rawPredict"
        await found.ask(path)
        tokens.seconds = 3600
        await found.ask(path)
        assert tokens.given == 2
        taken = ["Bearer ya29.2"]

        async def answer(request: web.BaseRequest, _: bytes) -> web.StreamResponse:
            return web.Response(status=200 if request.headers["Authorization"] not in taken else 401)

        found.api.behave = answer
        assert (await found.ask(path))[0] == 200
        assert tokens.given == 3
        taken += ["Bearer ya29.3", "Bearer ya29.4"]
        assert (await found.ask(path))[0] == 401  # and not for ever
        assert tokens.given == 4


async def test_without_a_token_of_google_nothing_is_sent(tmp_path: Path, tokens: TokenService) -> None:
    tokens.status = 400
    async with place(tmp_path, provider=VERTEX, secret=account(tokens.url)) as found:
        status, _, body = await found.ask(f"{PREDICT}claude-sonnet-4-5:rawPredict")
        assert status == 502
        assert told(body) == ("api_error", "kagents: Google's token service gave no token (answer 400).")
        assert not found.api.seen


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"client_email": None}, "text"),
        ({"private_key": "-----BEGIN PRIVATE KEY-----\nbm8=\n"}, "RSA key"),
        ({"token_uri": "http://metadata.internal/token"}, "https"),
        ({"token_uri": "file:///etc/passwd"}, "https"),
    ],
)
async def test_a_service_account_that_cannot_be_one(
    tmp_path: Path, fields: dict[str, Any], words: str
) -> None:
    async with place(tmp_path, provider=VERTEX, secret=account("https://x.invalid", **fields)) as found:
        status, _, body = await found.ask(f"{PREDICT}claude-sonnet-4-5:rawPredict")
        assert status in (502, 503)
        assert words in told(body)[1] and "bm8=" not in told(body)[1]


@pytest.mark.parametrize(
    "path",
    [
        "/v1/projects/another/locations/global/publishers/anthropic/models/claude-opus-4-5:rawPredict",
        "/v1/projects/our-project/locations/global/publishers/google/models/gemini-pro:rawPredict",
        f"{PREDICT}claude-opus-4-5:predictLongRunning",
        "/v1/projects/our-project/locations/global/endpoints/1:rawPredict",
    ],
)
async def test_other_projects_and_makers_of_vertex_are_not_there(tmp_path: Path, path: str) -> None:
    async with place(tmp_path, provider=VERTEX, secret=account("https://x.invalid")) as found:
        assert (await found.ask(path))[0] == 404


def addresses() -> Iterator[tuple[Provider, str]]:
    yield Provider(), "https://api.anthropic.com"
    yield Provider(base_url="https://models.example.com/anthropic/"), "https://models.example.com/anthropic"
    yield BEDROCK, "https://bedrock-runtime.eu-central-1.amazonaws.com"
    yield (
        Provider("bedrock", region="cn-north-1"),
        "https://bedrock-runtime.cn-north-1.amazonaws.com.cn",
    )
    yield VERTEX, "https://europe-west1-aiplatform.googleapis.com"
    yield Provider("vertex", region="global"), "https://aiplatform.googleapis.com"
    yield Provider("vertex", region="eu"), "https://aiplatform.eu.rep.googleapis.com"
    yield Provider("vertex", "https://vertex.example.com"), "https://vertex.example.com"


@pytest.mark.parametrize(("provider", "address"), addresses())
def test_where_calls_go(provider: Provider, address: str) -> None:
    assert provider.address == address


async def test_a_base_url_may_have_a_path(tmp_path: Path) -> None:
    async with place(tmp_path) as found:
        found.upstream.provider = Provider(base_url=f"{found.api.url}/team%20a/anthropic/")
        assert (await found.ask())[0] == 200
        assert found.api.seen[0].target == "/team%20a/anthropic/v1/messages?beta=true"


async def test_the_way_through_a_proxy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with place(tmp_path) as found:
        monkeypatch.setenv("http_proxy", found.api.url)
        monkeypatch.setenv("no_proxy", "inside.invalid")
        for address in ("http://outside.invalid", "http://inside.invalid"):
            found.upstream.provider = Provider(base_url=address)
            status, _, _ = await found.ask()
            assert status == (200 if "outside" in address else 502)
        (seen,) = found.api.seen
        assert seen.target == "http://outside.invalid/v1/messages?beta=true"
        assert seen.headers["Host"] == "outside.invalid"
