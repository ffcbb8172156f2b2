"""The CLI of a team with a gateway: it is told where to speak to, in its provider's words, and has no key."""

import dataclasses
import json
from collections.abc import Callable
from typing import Any

import pytest

from kagents_runner.documents import GatewayDocument
from kagents_runner.harness.claude_code import ClaudeCodeHarness
from kagents_runner.harness.claude_code.credentials import relayed_credential
from kagents_runner.harness.claude_code.launch import process_environment
from kagents_runner.harness.protocol import AgentContext

URL = "http://127.0.0.1:41234/0123456789abcdef"


@pytest.mark.parametrize(
    ("gateway", "expected"),
    [
        (
            GatewayDocument("anthropic"),
            {"ANTHROPIC_BASE_URL": URL, "ANTHROPIC_AUTH_TOKEN": "kagents"},
        ),
        (
            GatewayDocument("bedrock", region="eu-west-1"),
            {
                "CLAUDE_CODE_USE_BEDROCK": "1",
                "CLAUDE_CODE_SKIP_BEDROCK_AUTH": "1",
                "ANTHROPIC_BEDROCK_BASE_URL": URL,
                "AWS_REGION": "eu-west-1",
            },
        ),
        (
            GatewayDocument("vertex", region="europe-west1", project="p-1"),
            {
                "CLAUDE_CODE_USE_VERTEX": "1",
                "CLAUDE_CODE_SKIP_VERTEX_AUTH": "1",
                "ANTHROPIC_VERTEX_BASE_URL": f"{URL}/v1",
                "CLOUD_ML_REGION": "europe-west1",
                "ANTHROPIC_VERTEX_PROJECT_ID": "p-1",
            },
        ),
    ],
)
def test_each_provider_has_its_own_words(
    context: Callable[..., AgentContext], gateway: GatewayDocument, expected: dict[str, str]
) -> None:
    foreign = {
        "CLAUDE_CODE_USE_FOUNDRY": "1",
        "ANTHROPIC_BASE_URL": "https://elsewhere",
        "CLAUDE_CODE_USE_VERTEX": "1",
        "ANTHROPIC_BEDROCK_BASE_URL": "https://elsewhere",
        "NO_PROXY": "internal.example",
        "KAGENTS_HUB_TOKEN_FILE": "/kagents/token/hub",
    }
    made = dataclasses.replace(context(environment=foreign), model_url=URL)
    found = process_environment(made, relayed_credential(gateway, URL, made.environment))
    about = {name: found[name] for name in found if name.split("_")[0] in ("ANTHROPIC", "AWS", "CLOUD")}
    chosen = {name: found[name] for name in found if "_USE_" in name or "_SKIP_" in name}
    assert about | chosen == expected
    assert found["NO_PROXY"] == found["no_proxy"] == "internal.example,127.0.0.1"
    assert not [name for name in found if name.startswith("KAGENTS_")]


def test_without_a_gateway_the_agents_own_base_url_stays(context: Callable[..., AgentContext]) -> None:
    made = context(environment={"ANTHROPIC_BASE_URL": "https://own"})
    from kagents_runner.harness.claude_code.credentials import choose_credential

    found = process_environment(made, choose_credential(made.environment))
    assert found["ANTHROPIC_BASE_URL"] == "https://own"


async def test_the_cli_starts_without_a_key_and_nothing_of_it_is_on_disk(
    context: Callable[..., AgentContext], fake_claude: Callable[..., str], tmp_path: Any
) -> None:
    import asyncio

    made = context()
    script = fake_claude(f"env > {tmp_path}/seen; echo cannot connect to $ANTHROPIC_BASE_URL; exit 3")
    environment = {name: value for name, value in made.environment.items() if "KEY" not in name}
    made = dataclasses.replace(
        made,
        environment=environment | {"KAGENTS_CLAUDE": script},
        model_url=URL,
        team=dataclasses.replace(made.team, gateway=GatewayDocument("anthropic")),
    )
    said: list[str] = []
    ending = await ClaudeCodeHarness(lambda line, _: said.append(line)).run(
        made, lambda _: None, asyncio.Event()
    )
    assert ending.code == 1
    assert "connect to ***" in str(ending.sentence)
    assert URL not in str((said, ending.sentence))
    seen = (tmp_path / "seen").read_text()
    assert f"ANTHROPIC_BASE_URL={URL}\n" in seen
    assert "ANTHROPIC_AUTH_TOKEN=kagents\n" in seen
    assert "ANTHROPIC_API_KEY" not in seen
    configuration = json.loads((made.home_dir / ".claude.json").read_text())
    assert not configuration.get("customApiKeyResponses", {}).get("approved")
