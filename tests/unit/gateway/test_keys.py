"""Several keys, one that is refused, one that has had too much, and a Secret that changes."""

from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest
from aiohttp import web
from gateway_place import KEY, Place, place, told, whole_stream

from kagents_runner.gateway.credentials import ApiKey, BearerToken
from kagents_runner.gateway.pool import REFUSED_SECONDS, Pool
from kagents_runner.gateway.secret import ModelSecret, SecretError

KEYS = ("key-one-111111", "key-two-222222", "key-three-333333")


def refusing(found: Place, status: Callable[[str], int], **headers: str) -> None:
    """The API answers by key."""

    async def answer(request: web.BaseRequest, body: bytes) -> web.StreamResponse:
        told_status = status(request.headers["x-api-key"])
        if told_status == 200:
            return await whole_stream(request, body)
        return web.Response(status=told_status, text="no", headers=headers)

    found.api.behave = answer


def used(found: Place) -> list[str]:
    return [seen.headers["x-api-key"] for seen in found.api.seen]


async def test_keys_take_turns(tmp_path: Path) -> None:
    async with place(tmp_path, keys=KEYS) as found:
        for _ in range(9):
            assert (await found.ask())[0] == 200
        assert Counter(used(found)) == dict.fromkeys(KEYS, 3)


async def test_a_refused_key_is_left_out_and_the_others_go_on(tmp_path: Path) -> None:
    async with place(tmp_path, keys=KEYS) as found:
        refusing(found, lambda key: 401 if key == KEYS[0] else 200)
        for _ in range(6):
            assert (await found.ask())[0] == 200
        assert Counter(used(found)) == {KEYS[0]: 1, KEYS[1]: 3, KEYS[2]: 3}
        assert [state for state, _ in found.tickets.closed] == ["complete"] * 6


async def test_when_every_key_is_refused_the_api_says_so_itself(tmp_path: Path) -> None:
    async with place(tmp_path, keys=KEYS) as found:
        refusing(found, lambda _: 401)
        status, _, body = await found.ask()
        assert (status, body) == (401, b"no")
        assert sorted(used(found)) == sorted(KEYS)
        assert (await found.ask())[0] == 401
        assert len(found.api.seen) == 4  # once more, by one of them: it may be let in again
        refusing(found, lambda _: 200)
        assert (await found.ask())[0] == 200


async def test_a_key_with_too_many_requests_rests_and_another_is_used(tmp_path: Path) -> None:
    async with place(tmp_path, keys=KEYS[:2]) as found:
        refusing(found, lambda key: 429 if key == KEYS[0] else 200, **{"retry-after": "600"})
        for _ in range(4):
            assert (await found.ask())[0] == 200
        assert used(found) == [KEYS[0], KEYS[1], KEYS[1], KEYS[1], KEYS[1]]


async def test_when_every_key_rests_for_long_the_api_is_heard_as_it_is(tmp_path: Path) -> None:
    async with place(tmp_path, keys=KEYS[:2]) as found:
        refusing(found, lambda _: 429, **{"retry-after": "600"})
        status, headers, body = await found.ask()
        assert (status, headers["retry-after"], body) == (429, "600", b"no")
        assert used(found) == list(KEYS[:2])


class Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


def test_the_pool_takes_the_least_loaded() -> None:
    pool = Pool(clock := Clock())
    keys = [ApiKey(name, name) for name in "abc"]
    pool.update(keys)
    with pool.used(keys[0]), pool.used(keys[1]), pool.used(keys[1]):
        assert [pool.choose().name for _ in range(3)] == ["c", "c", "c"]
        with pool.used(keys[2]), pool.used(keys[2]):
            assert pool.choose() is keys[0]
    pool.rest(keys[2], 10)
    pool.rest(keys[0], 5)
    assert pool.choose() is keys[1]
    assert pool.another() and pool.soonest() == 0
    pool.rest(keys[1], 20)
    assert not pool.another() and pool.soonest() == 5
    assert pool.choose() is keys[0]  # which rests the shortest
    clock.now += 11
    assert pool.choose().name in "ac"
    pool.refuse(keys[0])
    pool.refuse(keys[2])
    assert pool.choose() is keys[1]  # rests, and is not refused
    clock.now += REFUSED_SECONDS + 1
    assert {pool.choose().name for _ in range(3)} == {"a", "b", "c"}


def test_a_key_that_has_changed_begins_anew() -> None:
    pool = Pool(Clock())
    pool.update([ApiKey("a", "old"), ApiKey("b", "b")])
    pool.refuse(ApiKey("a", "old"))
    assert pool.choose().name == "b"
    pool.update([ApiKey("a", "new"), ApiKey("b", "b")])
    assert {pool.choose().name for _ in range(2)} == {"a", "b"}


async def test_a_changed_secret_is_read_anew(tmp_path: Path) -> None:
    async with place(tmp_path) as found:
        await found.ask()
        (found.secret / "ANTHROPIC_API_KEY").write_text("another-key-222\n")
        await found.ask()
        (found.secret / "ANTHROPIC_API_KEY").unlink()
        await found.ask()  # a Secret that is being changed: what was good is used
        assert used(found) == [KEY, "another-key-222", "another-key-222"]


def swap(folder: Path, version: str, value: str) -> None:
    """Changes a Secret as a kubelet does: a new folder, and one link that is replaced."""
    (folder / version).mkdir(parents=True)
    (folder / version / "ANTHROPIC_API_KEY").write_text(value)
    (folder / "..data_tmp").symlink_to(version)
    (folder / "..data_tmp").rename(folder / "..data")
    if not (folder / "ANTHROPIC_API_KEY").is_symlink():
        (folder / "ANTHROPIC_API_KEY").symlink_to("..data/ANTHROPIC_API_KEY")


def test_a_secret_is_read_as_a_kubelet_mounts_it(tmp_path: Path) -> None:
    secret = ModelSecret(tmp_path / "mounted", "anthropic")
    with pytest.raises(SecretError, match="neither ANTHROPIC_API_KEY nor ANTHROPIC_AUTH_TOKEN"):
        secret.credentials()
    swap(tmp_path / "mounted", "..2026_1", "first")
    assert secret.credentials() == (ApiKey("ANTHROPIC_API_KEY", "first"),)
    swap(tmp_path / "mounted", "..2026_2", "other")
    assert secret.credentials() == (ApiKey("ANTHROPIC_API_KEY", "other"),)
    assert secret.credentials() is secret.credentials()


def test_which_keys_of_a_secret_count(tmp_path: Path) -> None:
    for name in ("ANTHROPIC_API_KEY_10", "ANTHROPIC_API_KEY_2", "ANTHROPIC_API_KEY"):
        (tmp_path / name).write_text(f"value-of-{name}")
    (tmp_path / "ANTHROPIC_API_KEY_OLD").write_text("not this one")
    (tmp_path / "CLAUDE_CODE_OAUTH_TOKEN").write_text("nor-this-one")
    names = [each.name for each in ModelSecret(tmp_path, "anthropic").credentials()]
    assert names == ["ANTHROPIC_API_KEY", "ANTHROPIC_API_KEY_2", "ANTHROPIC_API_KEY_10"]
    (token,) = ModelSecret(tmp_path, "anthropic", oauth=True).credentials()
    assert token.name == "CLAUDE_CODE_OAUTH_TOKEN"
    (tmp_path / "CLAUDE_CODE_OAUTH_TOKEN").unlink()
    with pytest.raises(SecretError, match="neither CLAUDE_CODE_OAUTH_TOKEN nor CLAUDE_OAUTH_TOKEN"):
        ModelSecret(tmp_path, "anthropic", oauth=True).credentials()


@pytest.mark.parametrize("name", ["CLAUDE_CODE_OAUTH_TOKEN", "CLAUDE_OAUTH_TOKEN"])
async def test_a_subscriptions_token_goes_with_its_beta(tmp_path: Path, name: str) -> None:
    secret = {name: "sk-ant-oat-1", "ANTHROPIC_API_KEY": "another account's"}
    async with place(tmp_path, secret=secret, oauth=True) as found:
        await found.ask(headers={"anthropic-beta": "context-1m-2025-08-07, oauth-2025-04-20"})
        await found.ask()
        for seen, betas in zip(
            found.api.seen, ["context-1m-2025-08-07,oauth-2025-04-20", "oauth-2025-04-20"], strict=True
        ):
            assert seen.headers["Authorization"] == "Bearer sk-ant-oat-1"
            assert seen.headers["anthropic-beta"] == betas
            assert "x-api-key" not in seen.headers


async def test_a_corporate_gateways_token_goes_as_it_is(tmp_path: Path) -> None:
    async with place(tmp_path, secret={"ANTHROPIC_AUTH_TOKEN": "corporate"}) as found:
        await found.ask()
        (seen,) = found.api.seen
        assert seen.headers["Authorization"] == "Bearer corporate"
        assert "anthropic-beta" not in seen.headers


@pytest.mark.parametrize("value", ["", "\n", "two words", "line\nline", "k\u00e4y", "\x1b[0m", "x" * 70_000])
async def test_a_key_that_cannot_be_one_is_said_without_it(tmp_path: Path, value: str) -> None:
    async with place(tmp_path, secret={"ANTHROPIC_API_KEY": value}) as found:
        status, _, body = await found.ask()
        kind, message = told(body)
        assert (status, kind) == (503, "overloaded_error")
        assert "ANTHROPIC_API_KEY" in message
        assert not value.strip() or value not in message
        assert not found.api.seen


def test_credentials_do_not_show_their_secret() -> None:
    for each in (ApiKey("name", "very-secret"), BearerToken("name", "very-secret", oauth=True)):
        assert "very-secret" not in repr(each)
        assert each.secrets == ("very-secret",)
