"""The harness runs the real CLI: start, mail, tools, hooks, shutdown, refusals."""

import asyncio
import json
import os
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from scripted_model import Call, Conversation, Rule, Say, Script, ScriptedModel
from scripted_model.script import Fail
from small_team import KEY, MODEL, SmallTeam, git, until

MakeTeam = Callable[..., SmallTeam]
BIG = "x" * 150_000


def shell(command: str) -> Call:
    return Call("Bash", {"command": command, "description": "work"})


def mail(to: str, text: str, summary: str = "news") -> Call:
    return Call("SendMessage", {"to": to, "summary": summary, "message": text})


def update(task: str, **fields: str) -> Call:
    return Call("TaskUpdate", {"taskId": task, **fields})


async def test_a_task_is_assigned_done_committed_and_reported(
    small_team: MakeTeam, model: ScriptedModel
) -> None:
    team = small_team("lead", "worker")
    model.script = Script(
        [
            Rule(
                "lead",
                "Begin the work",
                [
                    Call("TaskCreate", {"subject": "Write f", "description": "D"}),
                    update("1", owner="worker"),
                    mail("worker", "please do task 1", "task 1"),
                ],
            ),
            Rule(
                "lead",
                "did task 1",
                [
                    Call("mcp__kagents__team", {}),
                    Call("mcp__kagents__dismiss", {"teammate": "worker", "reason": "accepted"}),
                    Call("mcp__kagents__finish", {"summary": "all done"}),
                ],
            ),
            Rule(
                "worker",
                "please do task 1",
                [
                    update("1", status="in_progress"),
                    shell("echo hi > f && git add f && git commit -qm 'Write f'"),
                    Call("mcp__kagents__report", {"key": "coverage", "value": "93%"}),
                    update("1", status="completed"),
                    mail("lead", f"did task 1 {BIG}", "task 1 is done"),
                ],
            ),
        ]
    )
    lead, worker = team.start("lead", "Begin the work."), team.start("worker", "Wait for mail.")
    await until(lambda: [r for r in team.requests("lead") if r["kind"] == "dismiss"])
    await until(lambda: len(team.hooks("lead", "TeammateIdle")) >= 2)
    refusal = next(r for r in model.requests if r.agent == "lead" and any("Not yet" in x for x in r.results))
    assert "worker" in refusal.results[-1] and "- lead (lead, you)" in refusal.results[0]
    [told] = team.requests("worker")
    assert (told["kind"], told["key"], told["value"]) == ("report", "coverage", "93%")
    assert git(team.worktree("worker"), "log", "--format=%s", "-1").strip() == "Write f"
    assert json.loads(team.layout.task("1").read_text())["status"] == "completed"

    await team.ask_to_shut_down("worker")
    await team.ask_to_shut_down("lead")
    assert (await worker.ended()).code == 0 and (await lead.ended()).code == 0
    assert {m["from"] for m in await team.mail_of_kagents("shutdown_approved")} == {"lead", "worker"}

    [report] = [h for h in team.hooks("worker", "PostToolUse") if h["tool_input"].get("to") == "lead"]
    assert report["tool_response"]["msg_id"] and len(report["tool_input"]["message"]) > len(BIG)
    assert report["kagentsAt"].endswith("Z")
    for agent in ("lead", "worker"):
        assert (
            team.hooks(agent, "SessionStart")
            and team.hooks(agent, "SessionEnd")
            and team.hooks(agent, "Stop")
        )
    for expected in ("mail from lead: task 1", "mail to lead: task 1 is done", "turn ended", "session ended"):
        assert expected in worker.log, worker.log
    assert [s.state for s in worker.states][-1] == "running" and worker.states[-1].transcript is not None
    assert (worker.context.home_dir / worker.states[-1].transcript).is_file()
    assert model.unexpected == []


async def test_no_secret_reaches_files_arguments_or_logs(small_team: MakeTeam, model: ScriptedModel) -> None:
    team = small_team("worker")
    model.script = Script([Rule("worker", "Begin", [shell('echo "${ANTHROPIC_API_KEY#sk-}"')])])
    worker = team.start("worker", "Begin.")
    await until(lambda: team.hooks("worker", "TeammateIdle"))
    arguments = Path(f"/proc/{worker.pid}/cmdline").read_bytes()
    assert KEY.encode() not in arguments and b"--agent-name" in arguments
    assert KEY.removeprefix("sk-") in model.requests[-1].results[0]
    worker.stop.set()
    assert (await worker.ended()).code == 143
    assert not [line for line in worker.log if KEY in line]
    files = [path for path in team.root.rglob("*") if path.is_file()]
    assert not [path for path in files if KEY.encode() in path.read_bytes()]


@pytest.mark.parametrize(
    ("credential", "header", "expected"),
    [
        ({"ANTHROPIC_API_KEY": "short-key"}, "x-api-key", "short-key"),
        ({"CLAUDE_CODE_OAUTH_TOKEN": "tok-" + "o" * 40}, "authorization", "Bearer tok-" + "o" * 40),
        ({"KAGENTS_OAUTH_TOKEN_ALTERNATE": "tok-" + "a" * 40}, "authorization", "Bearer tok-" + "a" * 40),
        ({"ANTHROPIC_AUTH_TOKEN": "gateway-token"}, "authorization", "Bearer gateway-token"),
    ],
)
async def test_every_kind_of_credential_starts_without_a_dialog(
    small_team: MakeTeam, model: ScriptedModel, credential: dict[str, str], header: str, expected: str
) -> None:
    team = small_team("worker")
    team.start("worker", "Begin.", environment={"ANTHROPIC_API_KEY": None, **credential})
    await until(lambda: model.headers)
    assert model.headers[0][header] == expected
    secret = expected.removeprefix("Bearer ").encode()
    assert not [p for p in (team.root / "home").rglob("*") if p.is_file() and secret in p.read_bytes()]


async def test_a_refused_credential_needs_a_person(small_team: MakeTeam, model: ScriptedModel) -> None:
    team = small_team("worker")
    model.script = Script([Rule("worker", ".", [Fail(401, "authentication_error", "invalid x-api-key")])])
    ended = await team.start("worker", "Begin.").ended()
    assert ended.code == 64 and ended.sentence is not None and "API key" in ended.sentence
    assert KEY not in ended.sentence


async def test_after_a_failed_turn_the_agent_goes_on(small_team: MakeTeam, model: ScriptedModel) -> None:
    team = small_team("worker")
    overloaded = Fail(529, "overloaded_error", "try later")
    model.script = Script([Rule("worker", "Go on", [Say("I do")]), Rule("worker", "Begin", [overloaded])])
    team.start("worker", "Begin.")
    await until(lambda: team.hooks("worker", "Stop"))
    assert len(team.hooks("worker", "StopFailure")) == 1
    assert "Your last turn failed: API Error" in model.requests[-1].prompt
    assert "Begin." in model.requests[-1].everything


async def test_without_a_credential_it_says_which_are_possible(small_team: MakeTeam) -> None:
    ended = (
        await small_team("worker").start("worker", "Begin.", environment={"ANTHROPIC_API_KEY": ""}).ended()
    )
    assert ended.code == 64 and ended.sentence is not None and "apiKeySecret" in ended.sentence


async def test_a_repository_s_own_settings_open_no_dialog(
    small_team: MakeTeam, model: ScriptedModel, tmp_path: Path
) -> None:
    team = small_team("worker")
    worktree = team.worktree("worker")
    (tmp_path / "outside.md").write_text("Text from outside.\n")
    (worktree / "CLAUDE.md").write_text(f"Rules of the repository.\n@{tmp_path}/outside.md\n")
    server = {"command": "/bin/false", "args": []}
    (worktree / ".mcp.json").write_text(json.dumps({"mcpServers": {"theirs": server}}))
    hook = {"hooks": [{"type": "command", "command": "true"}]}
    (worktree / ".claude/agents").mkdir(parents=True)
    settings = {"hooks": {"SessionStart": [hook]}, "enableAllProjectMcpServers": False, "model": "opus"}
    (worktree / ".claude/settings.json").write_text(json.dumps(settings))
    (worktree / ".claude/agents/helper.md").write_text("---\nname: helper\ndescription: helps\n---\nHelp.\n")
    team.start("worker", "Begin.")
    await until(lambda: team.hooks("worker", "TeammateIdle"))
    first = str(model.bodies[0]["messages"])
    assert "Rules of the repository." in first and model.bodies[0]["model"] == MODEL
    assert "theirs" not in first and "Text from outside" not in first


async def test_a_timeout_ends_the_agent(small_team: MakeTeam) -> None:
    worker = small_team("worker").start("worker", "Begin.", timeoutSeconds=2)
    ended = await worker.ended()
    assert ended.code == 1 and ended.sentence == "The agent's timeout of 2 s is over."
    assert not Path(f"/proc/{worker.pid}").exists()


async def test_default_mode_asks_kagents_and_goes_on_when_allowed(
    small_team: MakeTeam, model: ScriptedModel
) -> None:
    team = small_team("worker")
    model.script = Script([Rule("worker", "Begin", [shell("touch allowed"), Say("ready")])])
    team.start("worker", "Begin.", permissionMode="default")
    [request] = await until(lambda: team.mail_of_kagents("permission_request"))
    assert request["tool_name"] == "Bash" and not (team.worktree("worker") / "allowed").exists()
    answer = {
        "type": "permission_response",
        "request_id": request["request_id"],
        "subtype": "success",
        "response": {"updated_input": request["input"], "permission_updates": []},
    }
    await team.send("worker", answer)
    await until(lambda: (team.worktree("worker") / "allowed").exists())
    await until(lambda: team.hooks("worker", "TeammateIdle"))


async def test_plan_mode_asks_for_approval_of_the_plan(small_team: MakeTeam, model: ScriptedModel) -> None:
    team = small_team("worker")
    leave = Call("ExitPlanMode", {})

    def write_plan(conversation: Conversation, _: object) -> Call:
        path = conversation.results[-1].split("found at ")[1].split(".md")[0] + ".md"
        return Call("Write", {"file_path": path, "content": "# Plan\nTouch one file.\n"})

    model.script = Script(
        [
            Rule("worker", "plan_approval_response|[Aa]pproved", [shell("touch planned")]),
            Rule("worker", "Begin", [leave, write_plan, leave, shell("touch planned")]),
        ]
    )
    team.start("worker", "Begin.", permissionMode="plan")
    [request] = await until(lambda: team.mail_of_kagents("plan_approval_request"))
    assert "Touch one file" in request["planContent"]
    assert not (team.worktree("worker") / "planned").exists()
    answer = {
        "type": "plan_approval_response",
        "requestId": request["requestId"],
        "approved": True,
        "feedback": "",
        "timestamp": request["timestamp"],
        "permissionMode": "bypassPermissions",
    }
    await team.send("worker", answer)
    await until(lambda: (team.worktree("worker") / "planned").exists())


@pytest.mark.parametrize("turns", [True, False])
async def test_a_killed_agent_goes_on_in_its_session(
    small_team: MakeTeam, model: ScriptedModel, turns: bool
) -> None:
    team = small_team("worker")
    model.script = Script(
        [
            Rule("worker", "Begin", [shell("echo one")]),
            Rule("worker", "kagents has started you again", [Say("I go on")]),
        ]
    )
    worker = team.start("worker", "Begin.")
    if turns:
        await until(lambda: team.hooks("worker", "TeammateIdle"))
    else:
        await until(lambda: worker.states and worker.states[-1].pid)
    os.kill(worker.pid, 9)
    ended = await worker.ended()
    assert (ended.code, ended.sentence) == (1, "claude was ended by signal 9.")
    before = len(model.requests)
    await team.send("worker", "while you were away")
    again = team.start("worker", "Begin.", attempt=1)
    await until(lambda: any("while you were away" in r.everything for r in model.requests[before:]))
    first = model.requests[before]
    assert first.prompt.startswith("kagents has started you again (attempt 2)" if turns else "Begin.")
    assert ("echo one" in str(model.bodies[before]["messages"])) is turns
    again.stop.set()
    assert (await again.ended()).code == 143
    source = "session resume" if turns else "session startup"
    assert any(line.startswith(source) for line in again.log)


async def test_mail_to_the_lead_comes_without_a_warning_label(
    small_team: MakeTeam, model: ScriptedModel
) -> None:
    team = small_team("lead")
    team.start("lead", "Begin.")
    await until(lambda: team.hooks("lead", "TeammateIdle"))
    await team.send("lead", "hello from a person")
    await until(lambda: any("hello from a person" in r.prompt for r in model.requests))
    assert model.requests[-1].prompt.startswith('<teammate-message teammate_id="team-lead">')


async def test_it_does_not_outlive_its_supervisor(small_team: MakeTeam) -> None:
    team = small_team("worker")
    worker = team.start("worker", "Begin.")
    await until(lambda: team.hooks("worker", "TeammateIdle"))
    arguments = Path(f"/proc/{worker.pid}/cmdline").read_bytes().decode().split("\0")[:-1]
    environment = dict(
        line.split("=", 1)
        for line in Path(f"/proc/{worker.pid}/environ").read_bytes().decode().split("\0")
        if line
    )
    worker.stop.set()
    await worker.ended()

    supervisor = await asyncio.create_subprocess_exec(
        sys.executable, "-c", SUPERVISOR, stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE
    )
    arguments[arguments.index("--session-id")] = "--resume"
    start = {"arguments": arguments, "environment": environment, "cwd": str(worker.context.cwd)}
    assert supervisor.stdin is not None and supervisor.stdout is not None
    supervisor.stdin.write(json.dumps(start).encode() + b"\n")
    pid = int(await supervisor.stdout.readline())
    await until(lambda: len(team.hooks("worker", "SessionStart")) == 2)
    supervisor.kill()
    await supervisor.wait()
    await until(lambda: not Path(f"/proc/{pid}").exists() or "Z" in Path(f"/proc/{pid}/stat").read_text(), 10)


SUPERVISOR = """
import asyncio, json, sys
from pathlib import Path
from kagents_runner.pty_process import PtyProcess
async def main():
    start = json.loads(sys.stdin.readline())
    process = await PtyProcess.start(
        start["arguments"], cwd=Path(start["cwd"]), environment=start["environment"]
    )
    print(process.pid, flush=True)
    await process.wait()
asyncio.run(main())
"""


async def test_a_lead_is_told_of_a_conflict_in_its_own_session(
    small_team: MakeTeam, model: ScriptedModel
) -> None:
    team = small_team("lead", "one", "two")
    for name in ("one", "two"):
        (team.worktree(name) / "both.txt").write_text(f"{name}\n")
        git(team.worktree(name), "add", ".")
        git(team.worktree(name), "commit", "-q", "-m", name)
    sentence = "kagents/demo/two conflicts with kagents/demo/one in both.txt."
    merge = f"cd {team.worktree('two')} && git merge -q kagents/demo/one; cat both.txt"
    mend = (
        f"cd {team.worktree('two')} && printf 'one\\ntwo\\n' > both.txt && git add . && git commit -q -m Join"
    )
    model.script = Script(
        [
            Rule("lead", "Begin", [Say("Led.")]),
            Rule("lead", "cannot be joined", [shell(merge), shell(mend)]),
        ]
    )
    first = team.start("lead", "Begin.")
    await until(lambda: team.hooks("lead", "TeammateIdle"))
    first.stop.set()
    await first.ended()
    team.start("lead", "Begin.", attempt=1, conflict=sentence)
    await until(lambda: git(team.worktree("two"), "log", "--format=%s", "-1").strip() == "Join")
    assert sentence in str(model.bodies[-1]["messages"]) and "Led." in str(model.bodies[-1]["messages"])
    git(team.worktree("two"), "merge-base", "--is-ancestor", "kagents/demo/one", "kagents/demo/two")
    assert model.unexpected == []
