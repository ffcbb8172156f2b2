"""Pulls an artifact by the OCI distribution API: manifest, then layers, each held to its size and digest.

A registry is spoken to over https, at addresses that the installation permits, within limits of size and
time. The password goes to the registry, or to the service that it names for tokens, and nowhere else: a
layer that lies elsewhere is fetched from there without it.
"""

import asyncio
import base64
import hashlib
import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import urljoin, urlsplit

import aiohttp

from kagents_core.kube.addresses import PermittedAddresses
from kagents_core.safetext import clean
from kagents_runner.registry.reference import Reference
from kagents_runner.termination import EXIT_NEEDS_A_PERSON, RunnerError

SECONDS: Final = 120.0
"""For one artifact."""

MOST_BYTES: Final = 32 * 1024 * 1024
"""All layers together, as they are sent."""

_MANIFEST_BYTES: Final = 4 * 1024 * 1024
_TOKEN_BYTES: Final = 64 * 1024
_MOST_LAYERS: Final = 64
_REDIRECTS: Final = 3
_IMAGE: Final = "application/vnd.oci.image.manifest.v1+json"
_DOCKER_IMAGE: Final = "application/vnd.docker.distribution.manifest.v2+json"
_INDEX: Final = "application/vnd.oci.image.index.v1+json"
_DOCKER_INDEX: Final = "application/vnd.docker.distribution.manifest.list.v2+json"
_DIGEST: Final = re.compile(r"sha256:[0-9a-f]{64}")
_PARAMETER: Final = re.compile(r'([a-z]+)="([^"]*)"')


@dataclass(frozen=True, slots=True)
class Layer:
    """One layer, whole and checked."""

    media_type: str
    title: str | None
    """The file that it is, when it is no archive."""
    data: bytes


async def pull(
    reference: Reference, account: tuple[str, str] | None, addresses: PermittedAddresses
) -> list[Layer]:
    """Every layer of the artifact. Raises ``RunnerError``: 64 where trying again cannot help."""
    connector = aiohttp.TCPConnector(socket_factory=addresses.socket)
    timeout = aiohttp.ClientTimeout(total=SECONDS)
    try:
        async with (
            asyncio.timeout(SECONDS),
            aiohttp.ClientSession(connector=connector, timeout=timeout) as session,
        ):
            return await _Registry(session, reference, account).layers()
    except (aiohttp.ClientError, OSError, TimeoutError) as error:
        raise RunnerError(f"{reference.host} cannot be reached: {_words(error)}.") from error


class _Registry:
    """The requests for one artifact."""

    def __init__(
        self, session: aiohttp.ClientSession, reference: Reference, account: tuple[str, str] | None
    ) -> None:
        self._session, self._reference, self._account = session, reference, account
        self._authorization: str | None = None

    async def layers(self) -> list[Layer]:
        """See ``pull``."""
        manifest = await self._manifest(self._reference.version)
        if manifest.get("mediaType") in (_INDEX, _DOCKER_INDEX) or "manifests" in manifest:
            entries = manifest.get("manifests")
            if not isinstance(entries, list) or len(entries) != 1:
                raise self._wrong("is an index of several manifests; name one of them by its digest")
            manifest = await self._manifest(self._descriptor(entries[0])[0])
        layers = manifest.get("layers")
        if not isinstance(layers, list) or not 0 < len(layers) <= _MOST_LAYERS:
            raise self._wrong(f"has no layers, or more than {_MOST_LAYERS}")
        if sum(self._descriptor(each)[1] for each in layers) > MOST_BYTES:
            raise self._wrong(f"is larger than {MOST_BYTES // 2**20} MiB")
        return [await self._layer(each) for each in layers]

    async def _manifest(self, version: str) -> dict[str, Any]:
        accept = ", ".join((_IMAGE, _INDEX, _DOCKER_IMAGE, _DOCKER_INDEX))
        address = f"{self._reference.base}/manifests/{version}"
        body, told = await self._get(address, _MANIFEST_BYTES, accept)
        digest = f"sha256:{hashlib.sha256(body).hexdigest()}"
        for wanted in (version if _DIGEST.fullmatch(version) else None, told):
            if wanted is not None and wanted.startswith("sha256:") and wanted != digest:
                raise self._wrong("has a manifest that is not the one of its digest")
        try:
            found = json.loads(body)
        except (ValueError, RecursionError) as error:
            raise self._wrong("has a manifest that is no JSON") from error
        if not isinstance(found, dict):
            raise self._wrong("has a manifest that is no object")
        return found

    async def _layer(self, entry: Mapping[str, Any]) -> Layer:
        digest, size = self._descriptor(entry)
        data, _ = await self._get(f"{self._reference.base}/blobs/{digest}", size, "*/*")
        if len(data) != size or f"sha256:{hashlib.sha256(data).hexdigest()}" != digest:
            raise self._wrong(f"has a layer that is not the one of its digest {digest[:19]}")
        annotations = entry.get("annotations")
        title = annotations.get("org.opencontainers.image.title") if isinstance(annotations, dict) else None
        return Layer(str(entry.get("mediaType", "")), title if isinstance(title, str) else None, data)

    def _descriptor(self, entry: object) -> tuple[str, int]:
        digest, size = (entry.get("digest"), entry.get("size")) if isinstance(entry, dict) else (None, None)
        if not isinstance(digest, str) or not _DIGEST.fullmatch(digest):
            raise self._wrong("names a part without a sha256 digest")
        if not isinstance(size, int) or isinstance(size, bool) or size < 0:
            raise self._wrong("names a part without a size")
        return digest, size

    async def _get(self, address: str, limit: int, accept: str) -> tuple[bytes, str | None]:
        """Body and ``Docker-Content-Digest``; asks for a token when the registry wants one."""
        for _ in range(2):
            async with self._following(address, accept) as answer:
                if answer.status == 401 and self._authorization is None:
                    challenge = answer.headers.get("WWW-Authenticate", "")
                    self._authorization = await self._authorize(challenge)
                    continue
                if answer.status != 200:
                    raise self._refused(answer.status)
                return await self._body(answer, limit), answer.headers.get("Docker-Content-Digest")
        raise self._refused(401)

    def _following(self, address: str, accept: str) -> "_Following":
        return _Following(self._session, address, accept, self._authorization, self._elsewhere)

    def _elsewhere(self) -> RunnerError:
        return self._wrong("is redirected too often, or to an address without https")

    async def _authorize(self, challenge: str) -> str:
        scheme, _, rest = challenge.partition(" ")
        basic = _basic(*self._account) if self._account else None
        if scheme.lower() == "basic":
            if basic is None:
                raise self._refused(401)
            return basic
        given = dict(_PARAMETER.findall(rest))
        realm = given.get("realm", "")
        if scheme.lower() != "bearer" or not _safe(realm, self._reference.base):
            raise self._wrong("asks for a token in a way that is not known, or without https")
        asked = {key: given[key] for key in ("service", "scope") if key in given}
        headers = {"Authorization": basic} if basic else {}
        async with self._session.get(realm, params=asked, headers=headers, allow_redirects=False) as answer:
            if answer.status != 200:
                raise self._refused(answer.status)
            body = await self._body(answer, _TOKEN_BYTES)
        try:
            found = json.loads(body)
            token = found.get("token") or found["access_token"]
        except (ValueError, RecursionError, AttributeError, KeyError) as error:
            raise self._wrong("got no token from the service that it names") from error
        if not isinstance(token, str) or not token.isascii() or not token.isprintable():
            raise self._wrong("got no token from the service that it names")
        return f"Bearer {token}"

    async def _body(self, answer: aiohttp.ClientResponse, limit: int) -> bytes:
        body = bytearray()
        async for chunk in answer.content.iter_chunked(65536):
            body += chunk
            if len(body) > limit:
                raise self._wrong("sends more than it has said, or than is taken")
        return bytes(body)

    def _wrong(self, what: str) -> RunnerError:
        return RunnerError(f"{self._shown} {what}.", code=EXIT_NEEDS_A_PERSON)

    def _refused(self, status: int) -> RunnerError:
        if status in (401, 403):
            why = "needs an account that may read it: see the skill's source.credentialsSecret"
        elif status == 404:
            why = "is not there"
        else:
            return RunnerError(f"{self._shown} cannot be had now: the registry answered {status}.")
        return RunnerError(f"{self._shown} {why} ({status}).", code=EXIT_NEEDS_A_PERSON)

    @property
    def _shown(self) -> str:
        reference = self._reference
        version = f"@{reference.digest}" if reference.digest else f":{reference.tag}"
        return f"{reference.host}/{reference.repository}{version}"


class _Following:
    """A GET that follows redirections by itself: to https alone, and without the authorization elsewhere."""

    def __init__(
        self,
        session: aiohttp.ClientSession,
        address: str,
        accept: str,
        authorization: str | None,
        elsewhere: Callable[[], RunnerError],
    ) -> None:
        self._session, self._address, self._accept = session, address, accept
        self._authorization, self._elsewhere = authorization, elsewhere
        self._answer: aiohttp.ClientResponse | None = None

    async def __aenter__(self) -> aiohttp.ClientResponse:
        address = self._address
        for _ in range(_REDIRECTS + 1):
            headers = {"Accept": self._accept}
            if self._authorization and _origin(address) == _origin(self._address):
                headers["Authorization"] = self._authorization
            answer = await self._session.get(address, headers=headers, allow_redirects=False)
            if answer.status not in (301, 302, 303, 307, 308):
                self._answer = answer
                return answer
            answer.release()
            try:
                address = urljoin(address, answer.headers.get("Location", ""))
            except ValueError:  # no address at all
                break
            if not _safe(address, self._address):
                break
        raise self._elsewhere()

    async def __aexit__(self, *_: object) -> None:
        if self._answer is not None:
            self._answer.release()


def _safe(address: str, registry: str) -> bool:
    """Whether it is https; a registry without it may only name itself without it."""
    try:
        return urlsplit(address).scheme == "https" or _origin(address) == _origin(registry)
    except ValueError:  # no address at all
        return False


def _origin(address: str) -> tuple[str, str]:
    parts = urlsplit(address)
    return parts.scheme, parts.netloc


def _words(error: BaseException) -> str:
    if isinstance(error, TimeoutError):
        return f"no answer within {SECONDS:g} s"
    inner = getattr(error, "os_error", None) or error
    return clean(getattr(inner, "strerror", None) or str(inner), limit=200, multiline=False)


def _basic(user: str, password: str) -> str:
    """The header of RFC 7617."""
    return "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()
