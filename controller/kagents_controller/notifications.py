"""Delivers webhooks outside the workers: at least once, stable id, signed, retried while they are asked for.

The headers are those of Standard Webhooks. The outcome of each attempt is handed back to the reconciler as an
input, so that it lands in the status. Once status says ``sent``, no plan asks for that delivery again, also
after a restart of the controller.
"""

import asyncio
import logging
import random
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime

import aiohttp
import orjson

from kagents_controller.expectations import Owner
from kagents_controller.webhook_keys import SigningKeyError, WebhookKeys
from kagents_core.kube.addresses import REFUSED, PermittedAddresses
from kagents_core.reconcile import Effect, NotificationOutcome

_log = logging.getLogger(__name__)

ATTEMPT_SECONDS = 10.0
_FIRST_RETRY_SECONDS = 2.0
_LONGEST_RETRY_SECONDS = 600.0
_AT_ONCE = 32
_AT_ONCE_OF_NAMESPACE = 4
"""So that receivers that hang hold back nobody but those in the same namespace."""


@dataclass(slots=True)
class _Delivery:
    owner: Owner
    effect: Effect
    attempts: int
    task: asyncio.Task[None] | None = None
    outcome: NotificationOutcome | None = None


class Notifier:
    """One delivery for each effect that the latest plan of its owner asks for. Use it with ``async with``."""

    def __init__(
        self,
        *,
        on_outcome: Callable[[Owner, str], None] = lambda owner, state: None,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
        first_retry_seconds: float = _FIRST_RETRY_SECONDS,
        attempt_seconds: float = ATTEMPT_SECONDS,
        keys: WebhookKeys | None = None,
        addresses: PermittedAddresses | None = None,
    ) -> None:
        self.on_outcome = on_outcome
        """Called after each attempt with the owner and what became of it: ``sent`` or ``failed``."""
        self._clock = clock
        self._first_retry = first_retry_seconds
        self._attempt_seconds = attempt_seconds
        self._keys = keys or WebhookKeys()
        self._addresses = addresses or PermittedAddresses()
        self._deliveries: dict[str, _Delivery] = {}
        self._by_owner: dict[Owner, set[str]] = {}
        self._slots = asyncio.Semaphore(_AT_ONCE)
        self._turns: defaultdict[str, asyncio.Semaphore] = defaultdict(
            lambda: asyncio.Semaphore(_AT_ONCE_OF_NAMESPACE)
        )
        self._session: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> "Notifier":
        timeout = aiohttp.ClientTimeout(total=self._attempt_seconds)
        connector = aiohttp.TCPConnector(
            socket_factory=self._addresses.socket, use_dns_cache=False, force_close=True
        )
        self._session = aiohttp.ClientSession(
            timeout=timeout, cookie_jar=aiohttp.DummyCookieJar(), connector=connector
        )
        return self

    async def __aexit__(self, *_: object) -> None:
        tasks = [delivery.task for delivery in self._deliveries.values() if delivery.task is not None]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        if self._session is not None:
            await self._session.close()

    def ask(self, owner: Owner, effects: Iterable[Effect], attempts: Mapping[str, int]) -> None:
        """The deliveries that are due for this owner now; those not named any more are given up.

        ``attempts`` says by id how many attempts status already records.
        """
        wanted = {effect.id: effect for effect in effects}
        for identity in self._by_owner.get(owner, set()) - wanted.keys():
            delivery = self._deliveries[identity]
            if delivery.outcome is None or delivery.outcome.state != "sent":
                self._drop(identity)
        for identity, effect in wanted.items():
            known = self._deliveries.get(identity)
            if known is None:
                delivery = _Delivery(owner, effect, attempts.get(identity, 0))
                self._deliveries[identity] = delivery
                self._by_owner.setdefault(owner, set()).add(identity)
                delivery.task = asyncio.create_task(self._deliver(delivery), name=f"notify {identity}")
            else:
                known.effect = effect  # the next attempt says what is true then

    def outcomes(self, owner: Owner) -> dict[str, NotificationOutcome]:
        """By id: what became of the deliveries of this owner so far."""
        found = {}
        for identity in self._by_owner.get(owner, ()):
            outcome = self._deliveries[identity].outcome
            if outcome is not None:
                found[identity] = outcome
        return found

    def recorded(self, owner: Owner, sent: Iterable[str]) -> None:
        """Status says of these ids that they were sent: there is nothing to remember any more."""
        for identity in set(sent) & self._by_owner.get(owner, set()):
            self._drop(identity)

    def forget(self, owner: Owner) -> None:
        """The owner is gone: so are its deliveries."""
        for identity in tuple(self._by_owner.get(owner, ())):
            self._drop(identity)

    def _drop(self, identity: str) -> None:
        delivery = self._deliveries.pop(identity)
        identities = self._by_owner[delivery.owner]
        identities.discard(identity)
        if not identities:
            del self._by_owner[delivery.owner]
        if delivery.task is not None:
            delivery.task.cancel()

    async def _deliver(self, delivery: _Delivery) -> None:
        while True:
            async with self._turns[delivery.owner[1]], self._slots:
                problem = await self._post(delivery.owner, delivery.effect)
            delivery.attempts += 1
            state = "sent" if problem is None else "failed"
            outcome = NotificationOutcome("sent", delivery.attempts, self._clock(), None)
            delivery.outcome = (
                outcome if problem is None else replace(outcome, state="failed", message=problem)
            )
            _log.info("notification", extra={"id": delivery.effect.id, "state": state, "problem": problem})
            self.on_outcome(delivery.owner, state)
            if problem is None:
                return
            await asyncio.sleep(self._pause(delivery.attempts))

    def _pause(self, attempts: int) -> float:
        """Seconds until the next attempt: doubled with each, also across restarts of the controller."""
        longest: float = min(self._first_retry * 2.0 ** min(attempts - 1, 32), _LONGEST_RETRY_SECONDS)
        return longest * random.uniform(0.75, 1.25)  # noqa: S311  (spreads retries, no secret)

    def _headers(self, namespace: str, identity: str, body: bytes) -> dict[str, str]:
        """Those of Standard Webhooks. Raises ``SigningKeyError``."""
        at = int(self._clock().timestamp())
        headers = {"Content-Type": "application/json", "User-Agent": "kagents", "webhook-id": identity}
        headers["webhook-timestamp"] = str(at)
        signature = self._keys.signatures(namespace, identity, at, body)
        return headers if signature is None else headers | {"webhook-signature": signature}

    async def _post(self, owner: Owner, effect: Effect) -> str | None:
        """One attempt; what went wrong in words without the URL (it may hold a secret), or None."""
        assert self._session is not None
        body = orjson.dumps(effect.payload)
        try:
            headers = self._headers(owner[1], effect.id, body)
            # 3xx counts as a failure: a redirect would carry the payload to an address nobody wrote down.
            async with self._session.post(
                effect.url, data=body, headers=headers, allow_redirects=False
            ) as response:
                return (
                    None if 200 <= response.status < 300 else f"the receiver answered HTTP {response.status}"
                )
        except SigningKeyError as error:
            return str(error)
        except TimeoutError:
            return f"the receiver did not answer within {self._attempt_seconds:g} s"
        except aiohttp.InvalidURL:
            return "the webhook URL is not valid"
        except aiohttp.ClientConnectorError as error:
            if REFUSED in str(error.os_error):
                return f"the receiver cannot be reached: {REFUSED}"
            return f"the receiver cannot be reached: {error.os_error.strerror or 'connection failed'}"
        except (aiohttp.ClientError, OSError, ValueError) as error:
            return f"the request failed: {type(error).__name__}"
