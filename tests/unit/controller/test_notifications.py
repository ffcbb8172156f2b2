"""Gate notifications: delivered outside the workers, once, with a stable id, and recorded in status."""

import asyncio
import base64
import hmac
import json
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from ipaddress import ip_network
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from kagents_controller.notifications import Notifier
from kagents_controller.webhook_keys import WebhookKeys
from kagents_core.kube.addresses import EVERYWHERE, PermittedAddresses
from kagents_core.reconcile import Effect

OWNER = ("AgentTeam", "ns", "demo")
LOOPBACK = PermittedAddresses(EVERYWHERE)


class Receiver:
    """A webhook receiver that plays back answers: a status, or ``hang``."""

    def __init__(self) -> None:
        self.answers: list[Any] = []
        self.got: list[tuple[dict[str, str], Any]] = []
        self.release = asyncio.Event()
        self.on_arrival: Any = lambda: None

    async def handle(self, request: web.Request) -> web.Response:
        self.got.append((dict(request.headers), json.loads(await request.read())))
        self.on_arrival()
        answer = self.answers.pop(0) if self.answers else 204
        if answer == "hang":
            await self.release.wait()
            answer = 204
        headers = {"Location": "/elsewhere"} if answer == 302 else {}
        return web.Response(status=answer, headers=headers)


@asynccontextmanager
async def receiving() -> AsyncIterator[Any]:
    receiver: Any = Receiver()
    app = web.Application()
    app.router.add_post("/{path:.*}", receiver.handle)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    receiver.url = f"http://127.0.0.1:{runner.addresses[0][1]}/hook?secret=canary"
    try:
        yield receiver
    finally:
        receiver.release.set()
        await runner.cleanup()


@pytest.fixture
async def receiver() -> AsyncIterator[Any]:
    async with receiving() as made:
        yield made


async def until(condition: Any) -> None:
    async with asyncio.timeout(10):
        while not condition():  # noqa: ASYNC110
            await asyncio.sleep(0.002)


def state(notifier: Notifier, identity: str = "id-1") -> Any:
    outcome = notifier.outcomes(OWNER).get(identity)
    return outcome and (outcome.state, outcome.attempts, outcome.message)


async def test_it_is_delivered_once_however_often_it_is_asked_for(receiver: Any) -> None:
    told: list[Any] = []
    async with Notifier(on_outcome=lambda *each: told.append(each), addresses=LOOPBACK) as notifier:
        effect = Effect("id-1", receiver.url, {"event": "spawn-b"})
        for _ in range(5):
            notifier.ask(OWNER, [effect], {})
        await until(lambda: told)
        for _ in range(5):
            notifier.ask(OWNER, [effect], {})
        notifier.ask(OWNER, [], {})  # the plan does not want it any more, status has not been written yet
        assert state(notifier) == ("sent", 1, None)
        notifier.recorded(OWNER, {"id-1"})
        assert notifier.outcomes(OWNER) == {}
    assert told == [(OWNER, "sent")]
    ((headers, body),) = receiver.got
    assert headers["webhook-id"] == "id-1"
    assert body == {"event": "spawn-b"}


@pytest.mark.parametrize(
    ("answer", "words"), [(500, "HTTP 500"), (302, "HTTP 302"), ("hang", "did not answer within 0.1 s")]
)
async def test_a_failure_is_tried_again_with_the_same_id(receiver: Any, answer: Any, words: str) -> None:
    receiver.answers = [answer, answer]
    seen: list[Any] = []
    patience = 0.1 if answer == "hang" else 60.0
    notifier = Notifier(first_retry_seconds=0.0001, attempt_seconds=patience, addresses=LOOPBACK)
    notifier.on_outcome = lambda owner, outcome: seen.append(state(notifier))
    async with notifier:
        notifier.ask(OWNER, [Effect("id-1", receiver.url, {})], {"id-1": 7})
        await until(lambda: seen and seen[-1][0] == "sent")
    # On a busy machine a good answer may take longer than a patience of 0.1 s, and be asked for once more.
    assert [entry[:2] for entry in seen[:2]] == [("failed", 8), ("failed", 9)]
    assert seen[-1][1] == 7 + len(seen) and (len(seen) == 3 or answer == "hang")
    assert words in seen[0][2]
    assert {headers["webhook-id"] for headers, _ in receiver.got} == {"id-1"}
    assert "/elsewhere" not in str(receiver.got)


@pytest.mark.parametrize("url", ["http://127.0.0.1:1/?secret=canary", "http://[bad/?secret=canary", "canary"])
async def test_what_went_wrong_is_said_without_the_url(url: str) -> None:
    async with Notifier(first_retry_seconds=60, addresses=LOOPBACK) as notifier:
        notifier.ask(OWNER, [Effect("id-1", url, {})], {})
        await until(lambda: state(notifier))
        outcome, _, message = state(notifier)
    assert outcome == "failed"
    assert message
    assert "canary" not in message


async def test_receivers_that_hang_hold_back_no_other_namespace(receiver: Any) -> None:
    async with receiving() as other, Notifier(addresses=LOOPBACK) as notifier:
        receiver.answers = ["hang"] * 100
        effects = [Effect(f"id-{number}", receiver.url, {}) for number in range(100)]
        notifier.ask(OWNER, effects, {})
        await until(lambda: receiver.got)
        theirs = ("AgentTeam", "other", "demo")
        notifier.ask(theirs, [Effect("id-other", other.url, {})], {})
        await until(lambda: notifier.outcomes(theirs))
        assert notifier.outcomes(OWNER) == {}


async def test_a_decided_gate_ends_the_retries(receiver: Any) -> None:
    receiver.answers = [500] * 100
    async with Notifier(first_retry_seconds=0.005, addresses=LOOPBACK) as notifier:
        notifier.ask(OWNER, [Effect("id-1", receiver.url, {})], {})
        await until(lambda: len(receiver.got) > 2)
        notifier.ask(OWNER, [], {})
        await asyncio.sleep(0.01)
        count = len(receiver.got)
        await asyncio.sleep(0.05)
        assert len(receiver.got) <= count + 1
        assert notifier.outcomes(OWNER) == {}


def test_a_request_is_signed_as_standard_webhooks_say(tmp_path: Path) -> None:
    """The example of the Standard Webhooks specification's reference libraries."""
    (tmp_path / "ns").write_text("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw\n")
    signed = WebhookKeys(tmp_path).signatures(
        "ns", "msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330, b'{"test": 2432232314}'
    )
    assert signed == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


def key(byte: bytes) -> str:
    return "whsec_" + base64.b64encode(byte * 32).decode()


async def test_what_is_sent_can_be_verified_with_the_key_of_its_namespace(
    receiver: Any, tmp_path: Path
) -> None:
    (tmp_path / "ns").write_text(f"{key(b'n')}\n{key(b'o')}\n")
    (tmp_path / "all_namespaces").write_text(key(b"a"))
    async with Notifier(keys=WebhookKeys(tmp_path), addresses=LOOPBACK) as notifier:
        notifier.ask(OWNER, [Effect("id-1", receiver.url, {"event": "team.started"})], {})
        await until(lambda: state(notifier))
        other = ("AgentTeam", "other", "demo")
        notifier.ask(other, [Effect("id-2", receiver.url, {"event": "team.started"})], {})
        await until(lambda: notifier.outcomes(other))
    (mine, _), (theirs, _) = receiver.got

    def expected(headers: Any, identity: str, byte: bytes) -> str:
        signed = f"{identity}.{headers['webhook-timestamp']}.".encode() + b'{"event":"team.started"}'
        return "v1," + base64.b64encode(hmac.digest(byte * 32, signed, "sha256")).decode()

    assert mine["webhook-signature"].split() == [expected(mine, "id-1", b"n"), expected(mine, "id-1", b"o")]
    assert theirs["webhook-signature"] == expected(theirs, "id-2", b"a")


@pytest.mark.parametrize("wrong", ["", "secret-canary", "whsec_canary", "whsec_Y2FuYXJ5", "x" * 5000])
async def test_nothing_is_sent_unsigned_because_a_key_is_wrong(
    receiver: Any, tmp_path: Path, wrong: str
) -> None:
    (tmp_path / "ns").write_text(wrong)
    async with Notifier(keys=WebhookKeys(tmp_path), addresses=LOOPBACK, first_retry_seconds=60) as notifier:
        notifier.ask(OWNER, [Effect("id-1", receiver.url, {})], {})
        await until(lambda: state(notifier))
        outcome, _, message = state(notifier)
    assert (outcome, receiver.got) == ("failed", [])
    assert "signing key ns" in message
    assert "canary" not in message


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "[::ffff:127.0.0.1]", "2130706433"])
async def test_a_private_address_is_refused_unless_allowed(receiver: Any, host: str) -> None:
    url = receiver.url.replace("127.0.0.1", host)
    async with Notifier(first_retry_seconds=60) as notifier:
        notifier.ask(OWNER, [Effect("id-1", url, {})], {})
        await until(lambda: state(notifier))
        outcome, _, message = state(notifier)
    assert (outcome, receiver.got) == ("failed", [])
    assert "canary" not in message
    assert "private" in message or host == "2130706433"  # not every resolver takes that for an address


@pytest.mark.parametrize(
    "host",
    [
        *(
            "0x7f000001",
            "0177.0.0.1",
            "127.1",
            "0",
            "0.0.0.0",
            "127.0.0.1.",
            "[::]",
            "[::1]",
            "[::ffff:7f00:1]",
        ),
        *(
            "[0:0:0:0:0:ffff:127.0.0.1]",
            "[64:ff9b::7f00:1]",
            "[2002:7f00:1::]",
            "[fe80::1%25lo]",
            "localhost.",
        ),
        *("169.254.169.254", "[fd00:ec2::254]", "\uff11\uff12\uff17.0.0.1"),
    ],
)
async def test_no_spelling_of_an_inner_address_is_reached(receiver: Any, host: str) -> None:
    url = receiver.url.replace("127.0.0.1", host)
    async with Notifier(first_retry_seconds=60) as notifier:
        notifier.ask(OWNER, [Effect("id-1", url, {})], {})
        await until(lambda: state(notifier))
        outcome, _, message = state(notifier)
    assert (outcome, receiver.got) == ("failed", [])
    assert "canary" not in message


async def test_a_name_that_leads_elsewhere_at_the_second_look_is_not_followed(
    receiver: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The address of the connection counts: what the name said when it was looked at before does not."""
    answers = ["127.0.0.2", "127.0.0.1"]
    first_alone = PermittedAddresses([ip_network("127.0.0.2/32")])
    port = int(receiver.url.split(":")[2].partition("/")[0])
    loop = asyncio.get_running_loop()

    async def getaddrinfo(host: str, *_: Any, **__: Any) -> list[Any]:
        address = answers.pop(0) if len(answers) > 1 else answers[0]
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port))]

    monkeypatch.setattr(loop, "getaddrinfo", getaddrinfo)
    seen: list[Any] = []
    notifier = Notifier(first_retry_seconds=0.0001, addresses=first_alone)
    notifier.on_outcome = lambda owner, outcome: seen.append(state(notifier))
    async with notifier:
        url = receiver.url.replace("127.0.0.1", "rebound.example")
        notifier.ask(OWNER, [Effect("id-1", url, {})], {})
        await until(lambda: len(seen) > 2)
    assert receiver.got == []
    assert "private" not in seen[0][2] and "private" in seen[-1][2]


@pytest.mark.parametrize(
    ("address", "permitted"),
    [
        ("93.184.215.14", True),
        ("2606:2800:21f:cb07:6820:80da:af6b:8b2c", True),
        ("10.0.0.1", False),
        ("192.168.1.1", False),
        ("169.254.169.254", False),
        ("100.64.0.1", False),
        ("0.0.0.0", False),
        ("224.0.0.1", False),
        ("::1", False),
        ("fe80::1%eth0", False),
        ("fd00::1", False),
        ("::ffff:10.0.0.1", False),
        ("64:ff9b::a00:1", False),
        ("64:ff9b::5db8:d70e", True),
        ("2002:a00:1::", False),
        ("nonsense", False),
        ("10.9.0.7", True),
    ],
)
def test_which_addresses_are_private(address: str, permitted: bool) -> None:
    assert PermittedAddresses([ip_network("10.9.0.0/16")]).permits(address) is permitted


# ── in the controller ────────────────────────────────────────────────────────────────────────────


def gated(simple: Any, url: str) -> Any:
    gate = {"event": "spawn-b", "channel": "webhook", "webhookUrl": url}
    return simple({"name": "b"}, gates=(gate,))


def notification(world: Any, name: str = "demo") -> Any:
    return next(iter(world.status(name).get("notifications") or ()), {})


async def test_sent_once_also_across_restarts(world: Any, simple: Any, receiver: Any) -> None:
    world.apply(gated(simple, receiver.url))
    await world.until(lambda: notification(world).get("state") == "sent")
    for _ in range(2):
        await world.quiet()
        await world.kill()
        await world.start()
        await world.until(lambda: world.controller.synced.is_set())
    world.change(next(iter(world.of("agentteams"))), {"metadata": {"labels": {"a": "b"}}})
    await world.quiet()
    assert len(receiver.got) == 1
    assert receiver.got[0][1]["annotation"] == "approved.claude.amcheste.io/spawn-b"
    assert receiver.got[0][0]["webhook-id"] == notification(world)["id"]


async def test_it_stands_in_the_status_before_it_is_told(world: Any, simple: Any, receiver: Any) -> None:
    """So that a controller which dies right after the delivery leaves a trace of it."""
    found: list[Any] = []
    receiver.on_arrival = lambda: found.append(notification(world))
    world.apply(gated(simple, receiver.url))
    await world.until(lambda: notification(world).get("state") == "sent")
    assert [entry["state"] for entry in found] == ["pending"]
    assert found[0]["id"] == receiver.got[0][0]["webhook-id"]


async def test_failures_show_in_status_and_go_on_after_a_restart(
    world: Any, simple: Any, receiver: Any
) -> None:
    receiver.answers = [503] * 3
    world.apply(gated(simple, receiver.url))
    await world.until(lambda: notification(world).get("state") == "failed")
    assert notification(world)["message"] == "the receiver answered HTTP 503"
    await world.kill()
    before = notification(world)["attempts"]
    await world.start()
    await world.until(lambda: notification(world).get("state") == "sent")
    assert notification(world)["attempts"] > before
    assert len({headers["webhook-id"] for headers, _ in receiver.got}) == 1


async def test_a_receiver_that_hangs_holds_nothing_up(world: Any, simple: Any, receiver: Any) -> None:
    receiver.answers = ["hang"] * 40
    for number in range(40):
        world.apply(gated(simple, receiver.url), f"hanging-{number}")
    world.apply(simple(), "other")
    await world.until(lambda: world.status("other").get("phase") == "Initializing")
    assert all(notification(world, f"hanging-{n}").get("state") != "sent" for n in range(40))


async def test_the_end_of_a_team_is_told_and_recorded_after_it(
    world: Any, simple: Any, receiver: Any
) -> None:
    """Also when the receiver is away while the team ends, and the controller is started anew."""
    receiver.answers = [503] * 4
    spec = simple({"name": "b"}) | {"observability": {"webhook": {"url": receiver.url}}}
    world.apply(spec | {"cancel": True})
    await world.until(lambda: notification(world).get("state") == "failed")
    await world.kill()
    await world.start()
    await world.until(lambda: notification(world).get("state") == "sent")
    await world.quiet()
    assert notification(world)["event"] == "team.cancelled"
    assert world.status("demo")["phase"] == "Cancelled"
    bodies = {headers["webhook-id"]: body for headers, body in receiver.got}
    assert [(body["event"], body["status"]["phase"]) for body in bodies.values()][-1] == (
        "team.cancelled",
        "Cancelled",
    )
