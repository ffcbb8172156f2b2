"""What the gateway proves itself with to the model's API: each kind adds its headers to a request.

A credential is compared by what it is, shown without its secret, and says which texts must appear nowhere.
"""

from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Final, Protocol

import aiohttp
from multidict import CIMultiDict

from kagents_runner.gateway.google import GoogleAccount
from kagents_runner.gateway.signing import AmazonKey, signed

_OAUTH: Final = "oauth-2025-04-20"
_BETA: Final = "anthropic-beta"


@dataclass(frozen=True, slots=True)
class Outgoing:
    """A request as it is about to be sent."""

    method: str
    host: str
    """With the port, where it is not the scheme's own."""
    target: str
    headers: CIMultiDict[str]
    body: bytes = field(repr=False)


class Credential(Protocol):
    """One way to be let in."""

    @property
    def name(self) -> str:
        """What people call it: the Secret's key."""

    @property
    def secrets(self) -> tuple[str, ...]:
        """What no answer and no log may show."""

    async def add_to(self, request: Outgoing, session: aiohttp.ClientSession) -> None:
        """Adds its headers, as the last of all. Raises ``GoogleError``."""

    def refused(self) -> bool:
        """It was not taken (401); returns whether it is another one by now."""


@dataclass(frozen=True, slots=True)
class ApiKey:
    """A key of the Anthropic API, or of what speaks like it."""

    name: str
    key: str = field(repr=False)

    @property
    def secrets(self) -> tuple[str, ...]:
        """The key."""
        return (self.key,)

    async def add_to(self, request: Outgoing, _: aiohttp.ClientSession) -> None:
        """In its own header."""
        request.headers["x-api-key"] = self.key

    def refused(self) -> bool:
        """It stays what it is."""
        return False


@dataclass(frozen=True, slots=True)
class BearerToken:
    """A token: of a corporate gateway, or, with ``oauth``, of a person's subscription."""

    name: str
    token: str = field(repr=False)
    oauth: bool = False

    @property
    def secrets(self) -> tuple[str, ...]:
        """The token."""
        return (self.token,)

    async def add_to(self, request: Outgoing, _: aiohttp.ClientSession) -> None:
        """As a bearer token; the API takes a subscription's only with its beta."""
        request.headers["Authorization"] = f"Bearer {self.token}"
        if self.oauth:
            named = [name.strip() for value in request.headers.popall(_BETA, []) for name in value.split(",")]
            betas = [name for name in named if name and name != _OAUTH]
            request.headers[_BETA] = ",".join([*betas, _OAUTH])

    def refused(self) -> bool:
        """It stays what it is."""
        return False


@dataclass(frozen=True, slots=True)
class Amazon:
    """An access key that signs requests to Bedrock."""

    name: str
    key: AmazonKey
    region: str

    @property
    def secrets(self) -> tuple[str, ...]:
        """The secret key and the session's token."""
        return (self.key.secret, *([self.key.session] if self.key.session else []))

    async def add_to(self, request: Outgoing, _: aiohttp.ClientSession) -> None:
        """The signature; it holds for this body alone, and for some minutes."""
        kind = request.headers.get("Content-Type")
        request.headers.update(
            signed(
                self.key,
                method=request.method,
                host=request.host,
                target=request.target,
                body=request.body,
                region=self.region,
                now=datetime.now(UTC),
                headers={"Content-Type": kind} if kind else None,
            )
        )

    def refused(self) -> bool:
        """It stays what it is."""
        return False


@dataclass(frozen=True)
class Google:
    """A service account of Google Cloud."""

    name: str
    account: GoogleAccount = field(compare=False)
    email: str
    key_id: str

    @property
    def secrets(self) -> tuple[str, ...]:
        """The token of today; the private key is never sent."""
        return (self.account.shown_token,) if self.account.shown_token else ()

    async def add_to(self, request: Outgoing, session: aiohttp.ClientSession) -> None:
        """A token, asked for when there is none."""
        request.headers["Authorization"] = f"Bearer {await self.account.token(session)}"

    def refused(self) -> bool:
        """Another token next time."""
        self.account.forget()
        return True
