"""Access to Google's API as a service account: a signed word is exchanged for a token of an hour."""

import asyncio
import base64
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import urlsplit

import aiohttp
import orjson

from kagents_runner.gateway.proxies import proxy_for
from kagents_runner.reading import at_most

TOKEN_ADDRESS: Final = "https://oauth2.googleapis.com/token"  # noqa: S105 - an address
_SCOPE: Final = "https://www.googleapis.com/auth/cloud-platform"
_GRANT: Final = "urn:ietf:params:oauth:grant-type:jwt-bearer"
_SECONDS: Final = 3600
_EARLY: Final = 300.0
"""Seconds before its end in which a token is not used any more."""
_ANSWER_LIMIT: Final = 64 * 1024
_LOOPBACK: Final = ("127.0.0.1", "localhost", "::1")


class GoogleError(Exception):
    """No token; the sentence holds no secret."""


@dataclass
class GoogleAccount:
    """A service account, as its file of keys has it."""

    email: str
    key_id: str
    private_key: bytes = field(repr=False)
    address: str = TOKEN_ADDRESS
    clock: Callable[[], float] = time.time
    _token: str = field(default="", repr=False)
    _until: float = 0.0
    _asking: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def token(self, session: aiohttp.ClientSession) -> str:
        """A token that is good for some minutes at least. Raises ``GoogleError``."""
        async with self._asking:
            if self.clock() >= self._until:
                self._token, self._until = await self._ask(session)
            return self._token

    @property
    def shown_token(self) -> str:
        """The token of today, or nothing: what must not be seen anywhere."""
        return self._token

    def forget(self) -> None:
        """The token was refused: the next request gets another."""
        self._until = 0.0

    async def _ask(self, session: aiohttp.ClientSession) -> tuple[str, float]:
        now = self.clock()
        form = {"grant_type": _GRANT, "assertion": self._word(int(now))}
        limits = aiohttp.ClientTimeout(total=30.0, sock_connect=10.0)
        try:
            async with session.post(
                self.address,
                data=form,
                timeout=limits,
                allow_redirects=False,
                proxy=proxy_for(self.address),
            ) as answer:
                body, status = await at_most(answer.content, _ANSWER_LIMIT), answer.status
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            raise GoogleError(
                f"Google's token service cannot be reached ({type(error).__name__})."
            ) from error
        try:
            told: Any = orjson.loads(body)
            token, seconds = told["access_token"], float(told.get("expires_in", _SECONDS))
        except (ValueError, TypeError, KeyError, AttributeError):
            raise GoogleError(f"Google's token service gave no token (answer {status}).") from None
        if status != 200 or not isinstance(token, str) or not token.isascii() or not token.isprintable():
            raise GoogleError(f"Google's token service gave no token (answer {status}).")
        return token, now + max(seconds - _EARLY, seconds / 2)

    def _word(self, now: int) -> str:
        """The JSON Web Token (RS256) by which the account says who it is. Raises ``GoogleError``."""
        from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
        from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
        from cryptography.hazmat.primitives.hashes import SHA256
        from cryptography.hazmat.primitives.serialization import load_pem_private_key

        try:
            key = load_pem_private_key(self.private_key, password=None)
        except Exception:  # whatever it says could quote the key
            key = None
        if not isinstance(key, RSAPrivateKey):
            raise GoogleError("The service account's private_key is no RSA key in PEM form.")
        head = {"alg": "RS256", "typ": "JWT", "kid": self.key_id}
        claims = {"iss": self.email, "scope": _SCOPE, "aud": self.address, "iat": now, "exp": now + _SECONDS}
        text = f"{_part(head)}.{_part(claims)}"
        return f"{text}.{_base64(key.sign(text.encode(), PKCS1v15(), SHA256()))}"


def account_of(data: bytes) -> GoogleAccount:
    """The account of a file ``service-account.json``. Raises ``GoogleError``."""
    try:
        told = orjson.loads(data)
        email, key, key_id = told["client_email"], told["private_key"], told.get("private_key_id", "")
        address = told.get("token_uri") or TOKEN_ADDRESS
    except (ValueError, TypeError, KeyError, AttributeError):
        raise GoogleError("it is no service account's JSON with client_email and private_key") from None
    if not all(isinstance(value, str) for value in (email, key, key_id, address)):
        raise GoogleError("a field of it is no text")
    try:
        parts = urlsplit(address)
        safe = parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in _LOOPBACK)
    except ValueError:  # no address at all
        safe = False
    if not safe:
        raise GoogleError("its token_uri is no https address")
    return GoogleAccount(email, key_id, key.encode(), address)


def _part(value: dict[str, Any]) -> str:
    return _base64(orjson.dumps(value))


def _base64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()
