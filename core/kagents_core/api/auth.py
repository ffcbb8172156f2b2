"""How a team reaches the model: the provider, where it is, and the Secret with its credential."""

from typing import Annotated, Final, Literal, Self

from pydantic import AfterValidator, ConfigDict, StringConstraints, model_validator

from kagents_core.api.fields import ObjectName, WebAddress, matching, text_schema
from kagents_core.api.model import Spec, refusal, rules

AuthMode = Literal["gateway", "direct"]
Provider = Literal["anthropic", "bedrock", "vertex"]

REGION_PATTERN: Final = r"^[a-z][a-z0-9-]{0,38}[a-z0-9]$"
PROJECT_PATTERN: Final = r"^[a-z][a-z0-9.:-]{1,126}[a-z0-9]$"

REGION_SENTENCE: Final = "a region is a name such as us-east-1, europe-west4 or global"
PROJECT_SENTENCE: Final = "a project is its id, such as acme-agents-1234"

ONE_CREDENTIAL: Final = "a team has one credential; give apiKeySecret or oauthSecret, not both"
NEEDS_REGION: Final = "providers bedrock and vertex need a region"
NEEDS_PROJECT: Final = "provider vertex needs a project"
PROVIDER_KEY: Final = "the credential of providers bedrock and vertex is in apiKeySecret"
ONLY_CLOUD: Final = "only providers bedrock and vertex have a region"
ONLY_VERTEX: Final = "only provider vertex has a project"
ONLY_GATEWAY: Final = (
    "with mode direct agents speak to the provider themselves; leave provider, baseUrl, region, project and "
    "priceTable out, and give agents what they need in env, or choose mode gateway"
)
NEEDS_SECRET: Final = "provider, baseUrl, region, project and priceTable need apiKeySecret or oauthSecret"  # noqa: S105 - a sentence

_FIELDS_OF_GATEWAY: Final = ("baseUrl", "region", "project", "priceTable")
_NONE_OF_GATEWAY: Final = " && ".join(
    ("self.provider == 'anthropic'", *(f"!has(self.{field})" for field in _FIELDS_OF_GATEWAY))
)

Region = Annotated[
    str,
    StringConstraints(min_length=1, max_length=40),
    AfterValidator(matching(REGION_PATTERN, REGION_SENTENCE)),
    text_schema(pattern=REGION_PATTERN, longest=40),
]
Project = Annotated[
    str,
    StringConstraints(min_length=1, max_length=128),
    AfterValidator(matching(PROJECT_PATTERN, PROJECT_SENTENCE)),
    text_schema(pattern=PROJECT_PATTERN, longest=128),
]


class Auth(Spec):
    """The credential of the model provider, at most one of the two Secrets, and how it is used."""

    model_config = ConfigDict(
        json_schema_extra=rules(
            ("!(has(self.apiKeySecret) && has(self.oauthSecret))", ONE_CREDENTIAL),
            (f"self.mode == 'gateway' || ({_NONE_OF_GATEWAY})", ONLY_GATEWAY),
            (f"has(self.apiKeySecret) || has(self.oauthSecret) || ({_NONE_OF_GATEWAY})", NEEDS_SECRET),
            ("self.provider == 'anthropic' || !has(self.oauthSecret)", PROVIDER_KEY),
            ("self.provider == 'anthropic' || has(self.region)", NEEDS_REGION),
            ("self.provider != 'anthropic' || !has(self.region)", ONLY_CLOUD),
            ("self.provider != 'vertex' || has(self.project)", NEEDS_PROJECT),
            ("self.provider == 'vertex' || !has(self.project)", ONLY_VERTEX),
        )
    )

    mode: AuthMode = "gateway"
    """Who holds the credential: the gateway in the team's hub, which agents ask with a token of their own, or
    (``direct``) every agent, without exact costs and limits."""
    provider: Provider = "anthropic"
    """Whose models they are: Anthropic's API (or what speaks like it at ``baseUrl``), Amazon Bedrock, or
    Google Vertex AI."""
    base_url: WebAddress | None = None
    """Where the gateway sends requests: another provider's, or a company's own gateway; the provider's usual
    address when absent."""
    region: Region | None = None
    """Region of Bedrock or Vertex AI."""
    project: Project | None = None
    """Project of Vertex AI."""
    price_table: ObjectName | None = None
    """ConfigMap whose key ``prices.yaml`` holds prices that come before those that kagents knows."""
    api_key_secret: ObjectName | None = None
    """Secret with key ``ANTHROPIC_API_KEY``; ``ANTHROPIC_API_KEY_2`` and so on are further keys that share
    the load. Or ``ANTHROPIC_AUTH_TOKEN``, the token of a company's own gateway. For Bedrock
    ``AWS_ACCESS_KEY_ID``, ``AWS_SECRET_ACCESS_KEY`` and, if any, ``AWS_SESSION_TOKEN``; for Vertex AI
    ``GOOGLE_SERVICE_ACCOUNT_JSON``."""
    oauth_secret: ObjectName | None = None
    """Secret with key ``CLAUDE_CODE_OAUTH_TOKEN`` (or ``CLAUDE_OAUTH_TOKEN``)."""

    @property
    def has_credential(self) -> bool:
        """Whether there is a Secret at all; without one every agent brings its own."""
        return self.api_key_secret is not None or self.oauth_secret is not None

    @model_validator(mode="after")
    def _one_credential(self) -> Self:
        if self.api_key_secret is not None and self.oauth_secret is not None:
            raise refusal(ONE_CREDENTIAL, value=f"{self.api_key_secret}, {self.oauth_secret}")
        return self

    @model_validator(mode="after")
    def _gateway_has_its_fields(self) -> Self:
        if (given := self._of_gateway()) is None:
            return self
        if self.mode == "direct":
            raise refusal(ONLY_GATEWAY, field=given, value=getattr(self, _ATTRIBUTES[given]))
        if not self.has_credential:
            raise refusal(NEEDS_SECRET, field=given, value=getattr(self, _ATTRIBUTES[given]))
        return self

    @model_validator(mode="after")
    def _provider_is_whole(self) -> Self:
        cloud = self.provider != "anthropic"
        if cloud and self.oauth_secret is not None:
            raise refusal(PROVIDER_KEY, field="oauthSecret", value=self.oauth_secret)
        if cloud and self.region is None:
            raise refusal(NEEDS_REGION, field="region")
        if not cloud and self.region is not None:
            raise refusal(ONLY_CLOUD, field="region", value=self.region)
        if self.provider == "vertex" and self.project is None:
            raise refusal(NEEDS_PROJECT, field="project")
        if self.provider != "vertex" and self.project is not None:
            raise refusal(ONLY_VERTEX, field="project", value=self.project)
        return self

    def _of_gateway(self) -> str | None:
        """The first field that only the gateway heeds."""
        if self.provider != "anthropic":
            return "provider"
        found = (name for name in _FIELDS_OF_GATEWAY if getattr(self, _ATTRIBUTES[name]) is not None)
        return next(found, None)


_ATTRIBUTES: Final = {
    "provider": "provider",
    "baseUrl": "base_url",
    "region": "region",
    "project": "project",
    "priceTable": "price_table",
}
