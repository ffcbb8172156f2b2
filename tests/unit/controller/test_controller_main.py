"""The command, its probes and metrics, and its log lines."""

import asyncio
import json
import logging
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from kagents_controller.expectations import LIMIT_SECONDS, Expectations, older
from kagents_controller.health import serve
from kagents_controller.logs import JsonFormatter, log_json
from kagents_controller.main import main
from kagents_core.metrics import CONTROLLER, Metrics

COMMAND = [sys.executable, "-m", "kagents_controller.main"]


async def get(port: int, path: str) -> tuple[int, str]:
    async with aiohttp.ClientSession() as session, session.get(f"http://127.0.0.1:{port}{path}") as answer:
        return answer.status, await answer.text()


async def test_probes_and_metrics(stopped_world: Any, simple: Any, model: Any) -> None:
    world = stopped_world
    world.server.faults = [model.refuse(403, "Forbidden", "no rule for runs") for _ in range(4)]
    await world.start()
    async with serve(world.controller, "127.0.0.1", 0) as port:
        assert (await get(port, "/healthz"))[0] == 200
        status, text = await get(port, "/readyz")
        assert status == 503 or world.controller.synced.is_set()
        await world.until(lambda: world.controller.synced.is_set())
        assert (await get(port, "/readyz"))[0] == 200
        world.apply(simple())
        await world.until(lambda: world.status().get("phase"))
        await world.quiet()
        _, text = await get(port, "/metrics")
    assert 'kagents_controller_runtime_reconcile_total{controller="AgentTeam",result="success"}' in text
    assert 'kagents_writes_total{verb="create",resource="pods"} 2' in text
    assert 'kagents_workqueue_depth{queue="kagents"} 0' in text
    assert (
        'kagents_controller_runtime_reconcile_time_seconds_bucket{controller="AgentTeam",le="+Inf"}' in text
    )
    assert 'kagents_teams{namespace="ns",phase="' in text
    assert "demo" not in text, "names of objects have no bound"


def test_histograms_are_cumulative() -> None:
    metrics = Metrics(CONTROLLER)
    for seconds in (0.001, 0.002, 99.0):
        metrics.observe("controller_runtime_reconcile_time_seconds", seconds, controller="AgentTeam")
    lines = metrics.text().splitlines()
    counts = [int(line.rsplit(" ", 1)[1]) for line in lines if "_bucket" in line]
    assert counts[0] == 1
    assert counts[-2:] == [2, 3]
    assert counts == sorted(counts)
    assert 'kagents_controller_runtime_reconcile_time_seconds_count{controller="AgentTeam"} 3' in lines


def test_log_lines_are_json() -> None:
    try:
        raise ValueError("broken")
    except ValueError:
        record = logging.LogRecord("a.b", logging.ERROR, "", 1, "it %s", ("broke",), sys.exc_info())
    record.namespace = "ns"
    record.odd = object()
    line = json.loads(JsonFormatter().format(record))
    assert (line["msg"], line["level"], line["logger"], line["namespace"]) == (
        "it broke",
        "error",
        "a.b",
        "ns",
    )
    assert "ValueError: broken" in line["trace"]


def test_the_controller_logs_no_more_than_it_is_told_to(capsys: pytest.CaptureFixture[str]) -> None:
    root = logging.getLogger()
    before = root.handlers[:], root.level
    try:
        log_json("warning")
        logging.getLogger("kagents_controller.x").info("quiet")
        logging.getLogger("kagents_controller.x").warning("loud")
    finally:
        root.handlers[:], root.level = before[0], before[1]
    [line] = capsys.readouterr().err.splitlines()
    assert json.loads(line)["msg"] == "loud"


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ([], "--runner-image"),
        (["--runner-image", "x", "--workers", "0"], "must be at least 1"),
        (["--runner-image", "x", "--image-pull-policy", "Sometimes"], "invalid choice"),
        (["--runner-image", "x", "--kubeconfig", "/no/such/file"], "/no/such/file does not exist"),
    ],
)
def test_wrong_use_is_one_sentence_and_exit_2(
    arguments: list[str], words: str, capsys: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("kagents_controller.main.log_json", lambda level: None)
    try:
        code: Any = main(arguments)
    except SystemExit as exit_:
        code = exit_.code
    assert code == 2
    said = capsys.readouterr().err
    assert words in said
    assert "Traceback" not in said


async def test_the_command_works_and_stops_on_sigterm(
    stopped_world: Any, simple: Any, tmp_path: Path
) -> None:
    world = stopped_world
    kubeconfig = tmp_path / "config"
    kubeconfig.write_text(
        json.dumps(
            {
                "current-context": "m",
                "clusters": [{"name": "m", "cluster": {"server": world.server.config.server}}],
                "contexts": [{"name": "m", "context": {"cluster": "m", "namespace": "ns"}}],
            }
        )
    )
    options = ["--kubeconfig", str(kubeconfig), "--health-port", "0", "--lease-name", "kagents"]
    process = await asyncio.create_subprocess_exec(
        *COMMAND, *options, "--runner-image", "x", stderr=subprocess.PIPE
    )
    try:
        world.apply(simple())
        await world.until(lambda: world.status().get("phase") == "Initializing", 30)
        process.send_signal(signal.SIGTERM)
        _, logged = await asyncio.wait_for(process.communicate(), 20)
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    assert process.returncode == 0, logged.decode()
    assert {json.loads(line)["level"] for line in logged.splitlines()} == {"info"}
    lease = next(iter(world.of("leases").values()))
    assert lease["spec"]["holderIdentity"] == "", "the lease was given back"


# ── expectations ─────────────────────────────────────────────────────────────────────────────────


def test_expectations_end_when_everything_was_seen_or_time_is_up() -> None:
    now = [0.0]
    expectations = Expectations(lambda: now[0])
    owner, child = ("AgentTeam", "ns", "t"), ("Pod", "ns", "p")
    assert expectations.waiting(owner) is None
    expectations.expect(owner, child)
    expectations.expect_version(owner, "12")
    assert expectations.saw(("Pod", "ns", "other")) is None
    assert expectations.saw(child) is None
    expectations.saw_version(owner, "9")
    assert expectations.waiting(owner) == LIMIT_SECONDS
    now[0] += LIMIT_SECONDS + 1
    assert expectations.waiting(owner) == 0
    expectations.renew(owner)
    assert expectations.waiting(owner) == LIMIT_SECONDS
    expectations.saw_version(owner, "100")
    assert expectations.waiting(owner) is None
    expectations.expect(owner, child)
    expectations.forget(owner)
    assert expectations.saw(child) is None
    assert len(expectations) == 0


def test_what_the_server_refused_is_awaited_until_there_is_something_newer() -> None:
    expectations = Expectations(lambda: 0.0)
    owner, child = ("AgentTeam", "ns", "t"), ("Pod", "ns", "p")
    for seen, over in (("9", False), ("12", False), ("13", True), (None, True)):
        expectations.expect_newer(owner, "12")
        expectations.saw_version(owner, seen)
        assert (expectations.waiting(owner) is None) == over, seen
        expectations.saw_all_of(owner)
        assert expectations.waiting(owner) is None
    expectations.expect_newer(owner, "12")
    expectations.expect_version(owner, "15")
    expectations.expect(owner, child)
    expectations.saw_version(owner, "14")
    assert expectations.waiting(owner) == LIMIT_SECONDS
    expectations.saw_version(owner, "15")
    assert expectations.missing(owner) == {child}
    assert expectations.saw(child) == owner
    assert len(expectations) == 0


def test_versions_compare_as_numbers() -> None:
    assert older("9", "10")
    assert not older("10", "9")
    assert not older("10", "10")
    assert older("a", "b")
    assert not older("a", "a")


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ("--agent-resources={", "requests and limits"),
        ('--agent-resources={"limits":{"memory":"much"}}', "limits.memory"),
        ('--hub-resources={"limit":{}}', "limit"),
        ("--hub-resources=[]", "requests and limits"),
        ("--agent-port=70000", "70000"),
    ],
)
def test_wrong_settings_of_pods_are_refused_with_their_name(
    given: str, said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as refused:
        main(["--runner-image=x", given])
    assert refused.value.code == 2
    told = capsys.readouterr().err.splitlines()[-1]
    assert given.split("=")[0] in told
    assert said in told
