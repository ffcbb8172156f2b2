"""A simulated agent against real team files: what each step leaves, and what a kill at any point costs."""

import json
import random
import signal
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from subprocess import Popen
from typing import Any

import pytest
from runner_places import LIMIT, Place, steps, until

from kagents_core.teamfiles import mailbox
from kagents_core.teamfiles.mailbox import new_message
from kagents_core.teamfiles.tasks import create_task

pytestmark = pytest.mark.long

Keep = Callable[[Popen[str]], Popen[str]]
SAMPLES = Path(__file__).parents[2] / "fixtures/protocol-samples/2.1.329/gateway-and-hooks"


def shutdown_request(identity: str = "shutdown-1795199390042@scout") -> mailbox.Message:
    data = {"type": "shutdown_request", "requestId": identity, "from": "team-lead", "reason": "enough"}
    return new_message("team-lead", data | {"timestamp": "2026-11-21T00:00:00.000Z"})


def play(place: Place, script: str) -> Any:
    place.agents["scout"]["script"] = script + "- shutdown: the script is over\n"
    place.prepare()
    return place.run("supervise", "scout")


def test_work_writes_files_into_the_working_directory(place: Place) -> None:
    ran = play(place, steps("work: {seconds: 1, write: {notes/a.md: text}}"))
    assert ran.code == 0
    assert (place.work / "output/notes/a.md").read_text() == "text"


def test_work_does_not_leave_the_working_directory_by_a_link(place: Place, tmp_path: Path) -> None:
    place.prepare()
    (place.work / "output/out").symlink_to(tmp_path)
    ran = play(place, steps("work: {write: {out/PWNED: text}}"))
    assert ran.code == 1
    assert "writes outside of the working directory" in ran.sentence
    assert not (tmp_path / "PWNED").exists()


def test_mail_is_in_the_mailbox_and_told_by_a_hook(place: Place) -> None:
    assert play(place, steps("send: {to: lead, text: 'hi $X', summary: s}")).code == 0
    [message] = place.mail("lead")
    assert (message["from"], message["text"], message["summary"]) == ("scout", "hi $X", "s")
    [hook] = [hook for hook in place.hooks("scout") if hook.get("tool_name") == "SendMessage"]
    assert hook["tool_response"]["msg_id"] == message["msg_id"]


def test_tasks_from_creation_to_completion(place: Place) -> None:
    script = steps(
        "create_task: {subject: A, description: d, owner: lead}",
        "create_task: {subject: B}",
        "claim: any",
        "complete: all",
    )
    assert play(place, script).code == 0
    first, second = place.tasks()
    assert (first["subject"], first["owner"], first["status"]) == ("A", "lead", "pending")
    assert (second["subject"], second["owner"], second["status"]) == ("B", "scout", "completed")
    [assigned] = place.mail("lead")
    assert json.loads(assigned["text"])["type"] == "task_assignment"


async def test_a_claim_takes_ones_own_first_and_waits_for_blockers(place: Place) -> None:
    place.prepare()
    await create_task(place.layout, "open")
    await create_task(place.layout, "own", owner="scout")
    await create_task(place.layout, "of another", owner="lead")
    play(place, steps("claim: any"))
    assert [task["status"] for task in place.tasks()] == ["pending", "in_progress", "pending"]


def test_tokens_are_in_the_transcript(place: Place) -> None:
    play(place, steps("say: thinking", "use: {input: 1200, output: 34}"))
    [entry] = place.transcript("scout")
    assert entry["message"]["usage"]["input_tokens"] == 1200
    assert entry["message"]["usage"]["output_tokens"] == 34
    assert entry["message"]["content"] == [{"type": "text", "text": "thinking"}]
    assert entry["requestId"]


def test_wishes_to_the_recorder_are_requests(place: Place) -> None:
    play(place, steps("dismiss: lead", "finish: all done"))
    found = [json.loads(path.read_text()) for path in sorted(place.layout.requests("scout").glob("*.json"))]
    assert [(each["kind"], each.get("teammate"), each.get("summary")) for each in found] == [
        ("dismiss", "lead", None),
        ("finish", None, "all done"),
    ]


async def test_a_wait_for_mail_ends_a_turn_and_reads_in_the_native_form(place: Place, running: Keep) -> None:
    place.agents["scout"]["script"] = steps("wait: {mail_from: lead}", "say: got it", "shutdown: done")
    place.prepare()
    process = running(place.start("supervise", "scout"))
    until(lambda: place.mail("team-lead"))
    [idle] = place.mail("team-lead")
    assert json.loads(idle["text"])["type"] == "idle_notification"
    assert place.hooks("scout")[-1]["hook_event_name"] == "TeammateIdle"
    await mailbox.deliver(place.layout, "scout", new_message("lead", "go & <look>", summary="s"))
    assert process.wait(LIMIT) == 0
    [turn] = place.transcript("scout")
    assert turn["message"]["content"] == (
        '<teammate-message teammate_id="lead" summary="s">\ngo & <look>\n</teammate-message>'
    )


async def test_a_request_to_shut_down_is_approved_natively(place: Place, running: Keep) -> None:
    place.prepare()
    place.agents["scout"]["script"] = steps("say: hello")
    process = running(place.start("supervise", "scout"))
    await mailbox.deliver(place.layout, "scout", shutdown_request("shutdown-17@scout"))
    assert process.wait(LIMIT) == 0
    texts = [json.loads(message["text"]) for message in place.mail("team-lead")]
    [approved] = [text for text in texts if text["type"] == "shutdown_approved"]
    assert (approved["requestId"], approved["from"]) == ("shutdown-17@scout", "scout")
    sample = json.loads((SAMPLES.parent / "inbox_team-lead__shutdown_approved.json").read_text())[0]
    assert approved.keys() == json.loads(sample["text"]).keys()
    assert place.hooks("scout")[-1]["hook_event_name"] == "SessionEnd"


def test_the_parts_without_a_script_are_played(place: Place, running: Keep) -> None:
    """Without a recorder: the lead asks for what only the recorder can do, and rests."""
    place.prepare()
    lead, scout = (running(place.start("supervise", name)) for name in ("lead", "scout"))
    until(lambda: [task for task in place.tasks() if task["status"] == "completed"])
    until(lambda: list(place.layout.requests("lead").glob("*.json")))
    for process in (lead, scout):
        process.send_signal(signal.SIGTERM)
        assert process.wait(LIMIT) == 143
    [request] = [json.loads(path.read_text()) for path in place.layout.requests("lead").glob("*.json")]
    assert (request["kind"], request["teammate"]) == ("dismiss", "scout")
    assert (place.work / "output/scout.md").exists()


def shape(value: Any) -> Any:
    """The keys of an object, and those of the objects in it."""
    return {key: shape(each) for key, each in value.items()} if isinstance(value, dict) else None


MODEL_ONLY = {"permission_mode", "effort", "background_tasks", "session_crons", "model"}
"""Keys that tell of a model's session: a simulated agent has none."""


@pytest.mark.parametrize(
    ("sample", "matches"),
    [
        ("PostToolUse_SendMessage", {"tool_name": "SendMessage"}),
        ("PostToolUse_TaskCreate", {"tool_name": "TaskCreate"}),
        ("PostToolUse_TaskUpdate", {"tool_name": "TaskUpdate", "tool_input": {"taskId", "status"}}),
        ("Stop", {"hook_event_name": "Stop"}),
        ("TeammateIdle", {"hook_event_name": "TeammateIdle"}),
        ("SessionStart", {"hook_event_name": "SessionStart"}),
        ("SessionEnd", {"hook_event_name": "SessionEnd"}),
    ],
)
def test_hook_payloads_have_the_keys_of_the_real_ones(
    place: Place, sample: str, matches: dict[str, Any]
) -> None:
    script = steps(
        "send: {to: lead, text: t, summary: s}",
        "create_task: {subject: s, description: d}",
        "claim: any",
        "complete: all",
        "wait: {seconds: 0.1}",
    )
    assert play(place, script).code == 0

    def fits(hook: dict[str, Any]) -> bool:
        return all(
            set(hook.get(key, ())) == value if isinstance(value, set) else hook.get(key) == value
            for key, value in matches.items()
        )

    found = [hook for hook in place.hooks("scout") if fits(hook)]
    native = json.loads((SAMPLES / f"hooks/{sample}.json").read_text())
    wanted = {key: value for key, value in shape(native).items() if key not in MODEL_ONLY}
    assert found
    for hook in found:
        got = shape(hook)
        got.pop("kagentsAt")
        assert got == wanted


def test_a_failure_tells_as_a_failed_turn_does(place: Place) -> None:
    play(place, steps("fail: broken"))
    native = json.loads((SAMPLES / "hooks/StopFailure.json").read_text())
    [hook] = [hook for hook in place.hooks("scout") if hook["hook_event_name"] == "StopFailure"]
    assert set(native) - MODEL_ONLY == set(hook) - {"kagentsAt"}


# -- kills ---------------------------------------------------------------------------------------------------

LONG = steps(
    *(
        line
        for number in range(6)
        for line in (
            f"say: round {number}",
            f"send: {{to: lead, text: 'message {number}'}}",
            f"create_task: {{subject: 'task {number}'}}",
            "claim: any",
            f"work: {{seconds: 0.2, write: {{'f{number}.md': 'text {number}'}}}}",
            "use: {input: 10, output: 1}",
            "complete: all",
        )
    ),
    "wait: {mail_from: lead}",
    "finish: done",
    "shutdown: over",
)


def test_a_kill_at_any_point_loses_and_doubles_nothing(place: Place, running: Keep) -> None:
    place.agents["scout"]["script"] = LONG
    place.prepare()
    chance = random.Random(7)
    kills = 0
    for attempt in range(60):
        place.agents["scout"]["attempt"] = attempt
        process = running(place.start("supervise", "scout"))
        if attempt == 3:
            deliver(place, "lead", "the only answer")
        until(lambda process=process, attempt=attempt: alive_or_ended(place, process, attempt))
        if attempt < 12:
            time.sleep(chance.uniform(0, 0.08))  # no condition: the point of the kill is what varies
            process.kill()
        if process.wait(LIMIT) != -signal.SIGKILL:
            break
        kills += 1
    assert process.returncode == 0
    assert kills >= 3
    texts = Counter(message["text"] for message in place.mail("lead"))
    assert texts == Counter({f"message {number}": 1 for number in range(6)})
    assert [(task["subject"], task["status"]) for task in place.tasks()] == [
        (f"task {number}", "completed") for number in range(6)
    ]
    assert {path.name for path in (place.work / "output").iterdir()} == {f"f{n}.md" for n in range(6)}
    assert len(list(place.layout.requests("scout").glob("*.json"))) == 1
    assert len({entry["requestId"] for entry in place.transcript("scout") if "requestId" in entry}) == 6
    told = {
        hook["tool_response"]["msg_id"]
        for hook in place.hooks("scout")
        if hook.get("tool_name") == "SendMessage"
    }
    assert told == {message["msg_id"] for message in place.mail("lead")}


def deliver(place: Place, sender: str, text: str) -> None:
    import asyncio

    asyncio.run(mailbox.deliver(place.layout, "scout", new_message(sender, text)))


def alive_or_ended(place: Place, process: Popen[str], attempt: int) -> bool:
    state = place.state("scout")
    return process.poll() is not None or (state.get("attempt") == attempt and state["state"] == "running")


async def test_mail_that_was_taken_before_a_kill_is_read_after_it(place: Place) -> None:
    """The moment between taking and reading is too short to hit, so its traces are made by hand."""
    from kagents_runner.simulate.progress import Progress

    place.agents["scout"]["script"] = steps("wait: {mail_from: lead}", "say: got it", "shutdown: over")
    place.prepare()
    place.home("scout").mkdir(exist_ok=True)
    message = new_message("lead", "taken")
    await mailbox.deliver(place.layout, "scout", message)
    progress = Progress.load(place.home("scout"))
    await mailbox.take(place.layout, "scout", keep=progress.keep)
    # The recorder has put it back meanwhile, as it does for mail that was lost.
    await mailbox.deliver(place.layout, "scout", message)
    ran = place.run("supervise", "scout")
    assert ran.code == 0
    assert "got it" in ran.out
    [turn] = place.transcript("scout")
    assert turn["message"]["content"].count("taken") == 1


async def test_a_shutdown_that_was_read_before_a_kill_is_approved_after_it(place: Place) -> None:
    from kagents_runner.simulate.progress import Progress

    place.agents["scout"]["script"] = steps("wait: {mail_from: lead}")
    place.prepare()
    place.home("scout").mkdir(exist_ok=True)
    await mailbox.deliver(place.layout, "scout", shutdown_request("shutdown-1@scout"))
    progress = Progress.load(place.home("scout"))
    await mailbox.take(place.layout, "scout", keep=progress.keep)
    progress.looked_at(progress.waiting())
    for _ in range(2):  # killed once more between the approval and the end
        assert place.run("supervise", "scout").code == 0
    texts = [json.loads(message["text"]) for message in place.mail("team-lead")]
    assert [text["type"] for text in texts] == ["shutdown_approved"]


def test_a_torn_progress_file_is_a_fresh_start(place: Place) -> None:
    place.prepare()
    place.home("scout").mkdir(exist_ok=True)
    (place.home("scout") / "simulation.json").write_text('{"step": 3')
    assert play(place, steps("send: {to: lead, text: hi}")).code == 0
    assert len(place.mail("lead")) == 1
