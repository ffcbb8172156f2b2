"""A service account, and a token service that looks at its word as Google's says it does."""

import base64
import time
from functools import cache
from typing import Any
from urllib.parse import parse_qs

import orjson
from aiohttp import web
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.hashes import SHA256
from gateway_place import ScriptedApi


@cache
def private_key() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(65537, 2048)


def account(token_uri: str, /, **fields: Any) -> dict[str, str]:
    """A Secret with a service account's JSON."""
    pem = private_key().private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    found = {
        "type": "service_account",
        "client_email": "team@our-project.iam.gserviceaccount.com",
        "private_key_id": "key-1",
        "private_key": pem.decode(),
        "token_uri": token_uri,
    }
    return {"GOOGLE_SERVICE_ACCOUNT_JSON": orjson.dumps(found | fields).decode()}


class TokenService(ScriptedApi):
    """Google's, as far as its description goes: it looks at the signed word and gives tokens."""

    status = 200
    seconds = 3600

    async def handle(self, request: web.BaseRequest) -> web.StreamResponse:
        form = parse_qs((await request.content.read()).decode())
        assert form["grant_type"] == ["urn:ietf:params:oauth:grant-type:jwt-bearer"]
        text, _, signature = form["assertion"][0].rpartition(".")
        private_key().public_key().verify(padded(signature), text.encode(), PKCS1v15(), SHA256())
        head, claims = (orjson.loads(padded(part)) for part in text.split("."))
        assert head == {"alg": "RS256", "typ": "JWT", "kid": "key-1"}
        assert claims["iss"] == "team@our-project.iam.gserviceaccount.com"
        assert claims["aud"] == self.url
        assert claims["scope"] == "https://www.googleapis.com/auth/cloud-platform"
        assert abs(claims["iat"] - time.time()) < 60 and claims["exp"] == claims["iat"] + 3600
        self.given = getattr(self, "given", 0) + 1
        if self.status != 200:
            return web.json_response({"error": "invalid_grant"}, status=self.status)
        return web.json_response({"access_token": f"ya29.{self.given}", "expires_in": self.seconds})


def padded(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
