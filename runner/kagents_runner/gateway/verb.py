"""The verb ``gateway``: serves until the recorder has said that the team is over (0), or SIGTERM (143)."""

import argparse
import asyncio
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path
from typing import Any, Final

import jwt

from kagents_core.kube.config import ClientConfig, load_in_cluster
from kagents_core.kube.errors import ConfigError
from kagents_core.kube.transport import Transport
from kagents_core.pricefile import MAX_BYTES, PriceFileError, parse_prices
from kagents_core.pricing import PUBLISHED, PriceTable, Tokens
from kagents_runner.documents import TeamDocument
from kagents_runner.gateway.identity import Identities, Team
from kagents_runner.gateway.ledger import FILE, Ledger
from kagents_runner.gateway.limits import first_limits, follow
from kagents_runner.gateway.meter import Meter
from kagents_runner.gateway.published_keys import PublishedKeys
from kagents_runner.gateway.secret import ModelSecret, SecretError
from kagents_runner.gateway.server import Gateway
from kagents_runner.gateway.upstream import Provider, Upstream
from kagents_runner.hub_certificate import serving_context
from kagents_runner.hub_serving import LOOPBACK, Place, serve, until_over
from kagents_runner.locations import Locations
from kagents_runner.termination import EXIT_NEEDS_A_PERSON, RunnerError

HARNESS: Final = "claude-code"
"""Agents of this harness are let in."""
_KEYS: Final = "/openid/v1/jwks"
"""Where an API server publishes the keys that it signs tokens with."""


async def run(_: argparse.Namespace, environment: Mapping[str, str]) -> int:
    """Serves the model to the agents of ``KAGENTS_TEAM``. Raises ``RunnerError``."""
    places = Locations(environment)
    team, folder = places.team(), places.gateway_dir
    if team.gateway is None or folder is None:
        raise _wrong("Only a team with auth, a claude-code agent and auth.mode gateway has a gateway.")
    provider = _provider(team)
    oauth = environment.get("KAGENTS_MODEL_CREDENTIALS_KIND") == "oauth"
    secret = ModelSecret(places.model_credentials_dir, provider.name, provider.region or "", oauth=oauth)
    try:
        secret.credentials()
    except SecretError as error:
        raise _wrong(str(error)) from error
    prices = _prices(places.prices_file)
    config = _cluster()
    host = environment.get("KAGENTS_GATEWAY_ADDRESS") or LOOPBACK
    port = environment.get("KAGENTS_GATEWAY_PORT", "")
    place = Place("gateway", host, port, places.gateway_address_dir)
    with closing(Ledger(folder / FILE)) as ledger:
        meter = Meter(ledger, prices, await first_limits(places.limits_dir, team))
        async with Transport(config, 2) as cluster, Upstream(provider, secret) as upstream:
            identities = _identities(team, cluster, folder)
            agents = [agent.name for agent in team.agents if agent.harness == HARNESS]

            def estimate(model: str, tokens: Tokens) -> int:
                return prices.price(model, tokens, day="9999").micros

            gateway = Gateway(upstream, identities, meter, agents, estimate=estimate)
            until = _until(places, ledger, meter)
            return await serve(gateway.runner(), place, serving_context(folder), until)


async def _until(places: Locations, ledger: Ledger, meter: Meter) -> None:
    """Returns when the team is over; meanwhile limits are followed. Raises what made the ledger useless."""

    async def broken() -> None:
        await ledger.failed.wait()
        raise ledger.failure or OSError("the ledger cannot be written")

    over = asyncio.create_task(until_over(places.over_dir))
    others = [asyncio.create_task(broken()), asyncio.create_task(follow(places.limits_dir, meter))]
    for task in others:  # what ends one of them must not go unnoticed
        task.add_done_callback(lambda ended: None if _went_well(ended) else over.cancel())
    try:
        await asyncio.wait({over})
        for task in (*others, over):
            if task.done():
                task.result()
    finally:
        for task in (over, *others):
            task.cancel()
        await asyncio.gather(over, *others, return_exceptions=True)


def _went_well(task: "asyncio.Task[None]") -> bool:
    return task.cancelled() or task.exception() is None


def _provider(team: TeamDocument) -> Provider:
    gateway = team.gateway
    assert gateway is not None
    if gateway.provider not in ("anthropic", "bedrock", "vertex"):
        raise _wrong(f"This runner knows no provider {gateway.provider[:40]!r}.")
    return Provider(gateway.provider, gateway.base_url, gateway.region, gateway.project)


def _prices(file: Path | None) -> PriceTable:
    """The table of the ConfigMap, whose files are links that the kubelet made; else the published list."""
    if file is None:
        return PUBLISHED
    try:
        with file.open("rb") as opened:
            return parse_prices(opened.read(MAX_BYTES + 1))
    except OSError as error:
        raise _wrong(
            f"The ConfigMap of auth.priceTable has no key {file.name} that can be read: {error.strerror}."
        ) from error
    except PriceFileError as error:
        raise _wrong(f"The ConfigMap of auth.priceTable cannot be used: {error}.") from error


def _cluster() -> ClientConfig:
    try:
        return load_in_cluster()
    except ConfigError as error:
        raise RunnerError(str(error)) from error


def _identities(team: TeamDocument, cluster: Transport, folder: Path) -> Identities:
    agents = tuple(agent.name for agent in team.agents if agent.harness == HARNESS)
    issuer = _issuer(cluster.config.token_file)
    whose = Team(team.name, team.namespace, team.uid, agents)

    async def published() -> Any:
        return await cluster.request("GET", _KEYS, seconds=10.0)

    try:
        return Identities(whose, PublishedKeys(published), lambda: issuer, folder)
    except (OSError, ValueError) as error:
        raise RunnerError(f"What is remembered of agents cannot be read: {type(error).__name__}.") from error


def _issuer(token_file: Path | None) -> str:
    """Who issues this cluster's tokens: whoever issued the hub's own."""
    try:
        assert token_file is not None
        token = token_file.read_text().strip()
        claims: dict[str, Any] = jwt.decode(token, options={"verify_signature": False})
        return str(claims["iss"])
    except (OSError, ValueError, KeyError, jwt.PyJWTError) as error:
        raise RunnerError(f"The hub's own token cannot be read: {type(error).__name__}.") from error


def _wrong(sentence: str) -> RunnerError:
    return RunnerError(sentence, code=EXIT_NEEDS_A_PERSON)
