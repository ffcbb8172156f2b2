"""The agent's credential: from the container's environment to the CLI's, never into a file or an argument."""

from collections.abc import Mapping
from dataclasses import dataclass

from kagents_runner.documents import GatewayDocument
from kagents_runner.harness.claude_code.executable import UnusableError

API_KEY = "ANTHROPIC_API_KEY"
OAUTH_TOKEN = "CLAUDE_CODE_OAUTH_TOKEN"  # noqa: S105  # a name
OAUTH_TOKEN_ALTERNATE = "KAGENTS_OAUTH_TOKEN_ALTERNATE"  # noqa: S105  # a name
BEARER_TOKEN = "ANTHROPIC_AUTH_TOKEN"  # noqa: S105  # a name
BASE_URL = "ANTHROPIC_BASE_URL"
HELPER_VARIABLE = "CLAUDE_API_KEY_OF_KAGENTS"

NO_CREDENTIAL = "kagents"
"""What the CLI sends when the gateway has the credential: a word that opens nothing."""

PROVIDER_VARIABLES = frozenset(
    {
        BASE_URL,
        "ANTHROPIC_BEDROCK_BASE_URL",
        "ANTHROPIC_VERTEX_BASE_URL",
        "ANTHROPIC_VERTEX_PROJECT_ID",
        "CLAUDE_CODE_USE_BEDROCK",
        "CLAUDE_CODE_USE_VERTEX",
        "CLAUDE_CODE_USE_FOUNDRY",
        "CLAUDE_CODE_SKIP_BEDROCK_AUTH",
        "CLAUDE_CODE_SKIP_VERTEX_AUTH",
    }
)
"""Variables that send the CLI to another place than the gateway."""

_APPROVED_LENGTH = 20
_SHORTEST_APPROVABLE = 40


@dataclass(frozen=True, slots=True)
class Credential:
    """How the CLI gets its credential."""

    environment: Mapping[str, str]
    """Variables of the process."""
    approved_ending: str | None = None
    """What ``.claude.json`` must hold so that no dialog asks whether to use the key: its last 20
    characters.
    """
    helper: str | None = None
    """``apiKeyHelper`` of the settings: a command that prints the key."""


def choose_credential(environment: Mapping[str, str]) -> Credential:
    """The first of API key, OAuth token, and bearer token of a gateway. Raises ``UnusableError`` without one.

    A key so short that its last 20 characters would give it away goes through ``apiKeyHelper``,
    which needs no approval on disk.
    """
    key = environment.get(API_KEY, "").strip()
    if len(key) >= _SHORTEST_APPROVABLE:
        return Credential({API_KEY: key}, approved_ending=key[-_APPROVED_LENGTH:])
    if key:
        return Credential({HELPER_VARIABLE: key}, helper=f'printf %s "${HELPER_VARIABLE}"')
    token = environment.get(OAUTH_TOKEN, "").strip() or environment.get(OAUTH_TOKEN_ALTERNATE, "").strip()
    if token:
        return Credential({OAUTH_TOKEN: token})
    bearer = environment.get(BEARER_TOKEN, "").strip()
    if bearer:
        return Credential({BEARER_TOKEN: bearer})
    raise UnusableError(
        f"No credential: the team's Secret must have the key {API_KEY} (apiKeySecret), or {OAUTH_TOKEN} or "
        "CLAUDE_OAUTH_TOKEN (oauthSecret)."
    )


def relayed_credential(gateway: GatewayDocument, url: str, environment: Mapping[str, str]) -> Credential:
    """None at all: the CLI is told to speak to ``url``, in the words of the provider behind the gateway."""
    if gateway.provider == "bedrock":
        found = {
            "CLAUDE_CODE_USE_BEDROCK": "1",
            "CLAUDE_CODE_SKIP_BEDROCK_AUTH": "1",
            "ANTHROPIC_BEDROCK_BASE_URL": url,
            "AWS_REGION": gateway.region or "",
        }
    elif gateway.provider == "vertex":
        found = {
            "CLAUDE_CODE_USE_VERTEX": "1",
            "CLAUDE_CODE_SKIP_VERTEX_AUTH": "1",
            "ANTHROPIC_VERTEX_BASE_URL": f"{url}/v1",  # the others add the version themselves
            "CLOUD_ML_REGION": gateway.region or "global",
            "ANTHROPIC_VERTEX_PROJECT_ID": gateway.project or "",
        }
    else:
        found = {BASE_URL: url, BEARER_TOKEN: NO_CREDENTIAL}
    return Credential(found | _around_proxies(environment))


def _around_proxies(environment: Mapping[str, str]) -> dict[str, str]:
    """Loopback is reached without the proxies that the environment may name."""
    named = environment.get("NO_PROXY") or environment.get("no_proxy") or ""
    hosts = [*(host for host in named.split(",") if host.strip()), "127.0.0.1"]
    return {"NO_PROXY": ",".join(hosts), "no_proxy": ",".join(hosts)}
