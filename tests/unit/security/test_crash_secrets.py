"""What fails in a way that nobody foresaw tells no secret: in a container, controller, engine or terminal."""

import asyncio
import json
import logging
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from kagents_controller.logs import JsonFormatter
from kagents_local.engine_log import open_log
from kagents_runner.main import _IN_CONTAINERS, main
from kagents_runner.secret_values import mounted_secrets
from kagents_tui.crashing import crash_report

TOKEN = "own-token-canary-77f0"
KEY_LINE = "MIIEvQIBADANBgkqhkiG9w0BAQEFAASC-canary-line"
SHAPED = "sk-ant-api03-" + "canary" * 6
ADDRESS = "https://me:canary-password@git.example.com/x"
SECRETS = (TOKEN, KEY_LINE, SHAPED, "canary-password")
HOSTILE = "\x1b]52;c;eA==\x1b\\\x9b2J\u202e"


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    """A container with two Secrets, laid out as a kubelet does, and a token of its pod."""
    data = tmp_path / "..2026"
    data.mkdir()
    (data / "token").write_text(TOKEN + "\n")
    (data / "ssh-privatekey").write_text(
        f"-----BEGIN PRIVATE KEY-----\n{KEY_LINE}\n-----END PRIVATE KEY-----\n"
    )
    (tmp_path / "..data").symlink_to(data)
    for name in ("token", "ssh-privatekey"):
        (tmp_path / name).symlink_to(tmp_path / "..data" / name)
    (tmp_path / "log").touch()
    return {
        "KAGENTS_GIT_CREDENTIALS_DIR": str(tmp_path),
        "KAGENTS_HUB_TOKEN_FILE": str(data / "token"),
        "KAGENTS_FORGE_CREDENTIALS_DIR": str(tmp_path / "absent"),
        "KAGENTS_TERMINATION_LOG": str(tmp_path / "log"),
    }


def words() -> str:
    return f"Invalid header value b'Bearer {TOKEN}' {KEY_LINE} {SHAPED} {ADDRESS} {HOSTILE}"


def told_nothing(text: str) -> bool:
    """No secret, and nothing that a terminal obeys."""
    return not any(secret in text for secret in SECRETS) and not set(text) & set("\x1b\x9b\u202e")


@pytest.mark.parametrize("verb", sorted(_IN_CONTAINERS))
@pytest.mark.parametrize("late", [False, True])
def test_an_unforeseen_error_of_a_container_is_one_sentence_without_secrets(
    environment: dict[str, str],
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
    verb: str,
    late: bool,
) -> None:
    async def fail() -> int:
        raise ValueError(words())

    def run(*_: Any) -> Any:
        return fail() if late else asyncio.run(fail())

    monkeypatch.setattr("importlib.import_module", lambda _: SimpleNamespace(run=run))
    assert main([verb], environment) == 1
    out, err = capfd.readouterr()
    ended = Path(environment["KAGENTS_TERMINATION_LOG"]).read_text()
    assert ended.startswith(f"kagents-runner {verb} failed: ValueError: Invalid header value")
    assert told_nothing(out + err + ended), out + err + ended
    assert "Traceback" not in out + err


def test_what_libraries_log_is_one_line_without_secrets(
    environment: dict[str, str], monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    async def lose_an_error() -> int:
        try:
            raise ValueError(words())
        except ValueError as error:
            logging.getLogger("aiohttp.server").error("Error handling request", exc_info=True)
            asyncio.get_running_loop().call_exception_handler({"message": "lost", "exception": error})
        return 0

    monkeypatch.setattr("importlib.import_module", lambda _: SimpleNamespace(run=lambda *_: lose_an_error()))
    assert main(["gateway"], environment) == 0
    out, err = capfd.readouterr()
    lines = (out + err).splitlines()
    assert [line.partition(":")[0] for line in lines] == ["aiohttp.server", "asyncio"]
    assert all(
        "ValueError: Invalid header value" in line and "test_crash_secrets.py" in line for line in lines
    )
    assert told_nothing(out + err), out + err


def test_names_beside_a_secret_are_none(tmp_path: Path) -> None:
    (tmp_path / "username").write_text("acme-builder")
    (tmp_path / "password").write_text("hunter2-hunter2")
    assert mounted_secrets({"KAGENTS_GIT_CREDENTIALS_DIR": str(tmp_path)}) == ["hunter2-hunter2"]


def failed() -> Any:
    try:
        secret = TOKEN
        raise ValueError(f"{SHAPED} {ADDRESS} {HOSTILE} {len(secret)}")
    except ValueError:
        return sys.exc_info()


def test_a_traceback_of_the_controller_is_masked() -> None:
    record = logging.LogRecord("x", logging.ERROR, __file__, 1, "reconcile failed", (), failed())
    line = JsonFormatter().format(record)
    trace = json.loads(line)["trace"]
    assert "ValueError" in trace and "in failed" in trace
    assert not any(secret in line for secret in SECRETS)
    assert not set(line) & set("\x1b\x9b")


def test_a_traceback_of_the_engine_is_masked(tmp_path: Path) -> None:
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    try:
        open_log(tmp_path / "engine.log")
        logging.getLogger("kagents_local").error(
            f"the engine crashed: {SHAPED}\n{HOSTILE}", exc_info=failed()
        )
        root.handlers[0].close()
    finally:
        root.handlers[:], root.level = handlers, level
    text = (tmp_path / "engine.log").read_text()
    assert "Traceback" in text and "ValueError" in text
    assert told_nothing(text), text
    assert (tmp_path / "engine.log").stat().st_mode & 0o777 == 0o600


def test_a_failure_of_the_terminal_shows_no_values_and_nothing_is_obeyed() -> None:
    text = crash_report(failed()[1])
    assert "Teams run on" in text and "ValueError" in text and "in failed" in text
    assert told_nothing(text), text
