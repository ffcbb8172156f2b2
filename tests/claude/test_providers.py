"""What the real CLI says to Bedrock and to Vertex AI passes the gateway, and its answer is counted.

The providers are scripted: that the real ones take what is signed here was not tried.
"""

import asyncio
import os
import sys
from contextlib import AsyncExitStack
from pathlib import Path

import pytest
from aiohttp import web

sys.path.append(str(Path(__file__).parents[1] / "unit" / "gateway"))

from gateway_place import Place, place, streamed
from google_service import TokenService, account
from model_answers import MODEL, amazon, events

from kagents_runner.gateway.tokens import Counts
from kagents_runner.gateway.upstream import Provider

KNOWN = Counts(MODEL, 100, 20, 40, 10, 20, {})
BEDROCK_MODEL = "eu.anthropic.claude-sonnet-4-5-20250929-v1:0"
VERTEX_MODEL = "claude-sonnet-4-5@20250929"


async def said(claude: str, folder: Path, found: Place, model: str, **variables: str) -> str:
    """What the CLI prints when it is asked something, with no credential at all."""
    home = folder / "home"
    home.mkdir()
    process = await asyncio.create_subprocess_exec(
        *(claude, "-p", "hello", "--model", model),
        env={
            "PATH": os.environ["PATH"],
            "HOME": str(home),
            "CLAUDE_CONFIG_DIR": str(home),
            "CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC": "1",
            "CLAUDE_CODE_MAX_RETRIES": "1",
            # What the relay adds in an agent's pod; beyond that the CLI shows nothing.
            "ANTHROPIC_CUSTOM_HEADERS": "Authorization: Bearer lead",
            **{name: value.replace("GATEWAY", found.url) for name, value in variables.items()},
        },
        cwd=folder,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    try:
        async with asyncio.timeout(100):
            printed, _ = await process.communicate()
    finally:
        if process.returncode is None:
            process.kill()
    return printed.decode()


async def test_bedrock(claude: str, tmp_path: Path) -> None:
    async def answer(request: web.BaseRequest, _: bytes) -> web.StreamResponse:
        return await streamed(request, [amazon(events())], "application/vnd.amazon.eventstream")

    secret = {"AWS_ACCESS_KEY_ID": "AKIDEXAMPLE", "AWS_SECRET_ACCESS_KEY": "very-secret-key"}
    provider = Provider("bedrock", region="eu-central-1")
    async with place(tmp_path, provider=provider, secret=secret) as found:
        found.api.behave = answer
        printed = await said(
            *(claude, tmp_path, found, BEDROCK_MODEL),
            CLAUDE_CODE_USE_BEDROCK="1",
            CLAUDE_CODE_SKIP_BEDROCK_AUTH="1",
            ANTHROPIC_BEDROCK_BASE_URL="GATEWAY",
            AWS_REGION="eu-central-1",
        )
        assert "Hello there" in printed
        (seen,) = found.api.seen
        assert seen.target.startswith("/model/eu.anthropic.claude-sonnet-4-5")
        assert seen.headers["Authorization"].startswith("AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/")
        assert found.tickets.admitted[0][1] == BEDROCK_MODEL
        assert found.tickets.closed == [("complete", KNOWN)]


@pytest.mark.parametrize("region", ["europe-west1", "global"])
async def test_vertex(claude: str, tmp_path: Path, region: str) -> None:
    async with AsyncExitStack() as stack:
        tokens = TokenService()
        await tokens.start(stack)
        provider = Provider("vertex", region=region, project="our-project")
        found = await stack.enter_async_context(
            place(tmp_path, provider=provider, secret=account(tokens.url))
        )
        printed = await said(
            *(claude, tmp_path, found, VERTEX_MODEL),
            CLAUDE_CODE_USE_VERTEX="1",
            CLAUDE_CODE_SKIP_VERTEX_AUTH="1",
            ANTHROPIC_VERTEX_BASE_URL="GATEWAY/v1",
            CLOUD_ML_REGION=region,
            ANTHROPIC_VERTEX_PROJECT_ID="our-project",
        )
        assert "Hello there" in printed
        (seen,) = found.api.seen
        assert seen.target.startswith(f"/v1/projects/our-project/locations/{region}/publishers/anthropic/")
        assert seen.headers["Authorization"] == "Bearer ya29.1"
        assert found.tickets.closed == [("complete", KNOWN)]
