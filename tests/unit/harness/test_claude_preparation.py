"""What the CLI is given before it starts: version, credential, home, hooks, arguments, environment."""

import asyncio
import json
import subprocess
from collections.abc import Callable
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from kagents_core.teamfiles.events import parse_events
from kagents_runner.documents import Repository
from kagents_runner.harness.claude_code.credentials import choose_credential
from kagents_runner.harness.claude_code.executable import OLDEST, SUPPORTED, UnusableError, find_executable
from kagents_runner.harness.claude_code.home import Prepared, prepare_home, trusted_folders
from kagents_runner.harness.claude_code.hooks import append_command
from kagents_runner.harness.claude_code.launch import command, process_environment
from kagents_runner.harness.claude_code.session import find_transcript, has_conversation
from kagents_runner.harness.protocol import AgentContext

MakeContext = Callable[..., AgentContext]
FakeClaude = Callable[..., str]
LONG_KEY = "sk-ant-" + "a" * 60 + "01234567890123456789"


async def test_the_supported_version_is_accepted(fake_claude: FakeClaude) -> None:
    found = await find_executable({"KAGENTS_CLAUDE": fake_claude("")})
    assert found.version == SUPPORTED and found.warning is None


async def test_it_is_found_on_the_path(fake_claude: FakeClaude) -> None:
    path = fake_claude("")
    assert (await find_executable({"PATH": str(Path(path).parent) + ":/bin"})).path == path


async def test_a_newer_one_is_accepted_with_a_warning(fake_claude: FakeClaude) -> None:
    found = await find_executable({"KAGENTS_CLAUDE": fake_claude("", "2.10.0 (Claude Code)"), "PATH": "/bin"})
    assert found.warning is not None and "2.10.0" in found.warning and SUPPORTED in found.warning


@pytest.mark.parametrize("version", ["2.1.112 (Claude Code)", "1.0.0", "2.1.322 (Claude Code)"])
async def test_an_older_one_is_refused_naming_found_and_needed(fake_claude: FakeClaude, version: str) -> None:
    with pytest.raises(UnusableError) as refusal:
        await find_executable({"KAGENTS_CLAUDE": fake_claude("", version), "PATH": "/bin"})
    assert version.split()[0] in str(refusal.value) and OLDEST in str(refusal.value)


async def test_something_else_is_refused(fake_claude: FakeClaude) -> None:
    with pytest.raises(UnusableError, match="not a version"):
        await find_executable({"KAGENTS_CLAUDE": fake_claude("", "hello\\033[31m"), "PATH": "/bin"})


@pytest.mark.parametrize("environment", [{"PATH": "/nowhere"}, {"KAGENTS_CLAUDE": "/nowhere/claude"}])
async def test_a_missing_one_is_refused_with_the_way_out(environment: dict[str, str]) -> None:
    with pytest.raises(UnusableError, match=f"claude-code {SUPPORTED}"):
        await find_executable(environment)


def test_credentials_are_taken_in_order() -> None:
    both = {"ANTHROPIC_API_KEY": LONG_KEY, "CLAUDE_CODE_OAUTH_TOKEN": "t"}
    chosen = choose_credential(both)
    assert chosen.environment == {"ANTHROPIC_API_KEY": LONG_KEY} and chosen.approved_ending == LONG_KEY[-20:]
    tokens = {"CLAUDE_CODE_OAUTH_TOKEN": "t", "KAGENTS_OAUTH_TOKEN_ALTERNATE": "u"}
    assert choose_credential(tokens).environment == {"CLAUDE_CODE_OAUTH_TOKEN": "t"}
    alternate = choose_credential({"KAGENTS_OAUTH_TOKEN_ALTERNATE": "u\n", "CLAUDE_CODE_OAUTH_TOKEN": ""})
    assert alternate.environment == {"CLAUDE_CODE_OAUTH_TOKEN": "u"}
    assert choose_credential({"ANTHROPIC_AUTH_TOKEN": "b"}).environment == {"ANTHROPIC_AUTH_TOKEN": "b"}
    with pytest.raises(UnusableError, match="apiKeySecret"):
        choose_credential({"ANTHROPIC_API_KEY": " "})


def test_a_short_key_is_nowhere_on_disk(context: MakeContext) -> None:
    made = context(environment={"ANTHROPIC_API_KEY": "tiny-1"})
    credential = choose_credential(made.environment)
    prepare_home(made, credential)
    files = [path for path in made.home_dir.rglob("*") if path.is_file()]
    assert len(files) == 3 and not [path for path in files if b"tiny-1" in path.read_bytes()]
    assert "tiny-1" in process_environment(made, credential).values()


def test_the_home_lets_no_dialog_appear_and_keeps_what_was_there(context: MakeContext) -> None:
    made = context()
    made.home_dir.mkdir()
    (made.home_dir / ".claude.json").write_text(json.dumps({"numStartups": 3, "projects": {"/x": {"a": 1}}}))
    for _ in range(2):
        mcp = prepare_home(made, choose_credential(made.environment)).mcp
    configuration = json.loads((made.home_dir / ".claude.json").read_text())
    assert configuration["numStartups"] == 3 and configuration["projects"]["/x"] == {"a": 1}
    assert configuration["hasCompletedOnboarding"] is True
    assert configuration["projects"][str(made.cwd.resolve())]["hasTrustDialogAccepted"] is True
    assert configuration["customApiKeyResponses"]["approved"] == [LONG_KEY[-20:]]
    assert LONG_KEY not in (made.home_dir / ".claude.json").read_text()
    assert (made.home_dir / ".claude.json").stat().st_mode & 0o077 == 0
    settings = json.loads((made.home_dir / "settings.json").read_text())
    assert settings["tui"] == "default" and settings["skipDangerousModePermissionPrompt"] is True
    assert (made.home_dir / "teams").resolve() == (made.team_dir / "teams").resolve()
    server = json.loads(mcp.read_text())["mcpServers"]["kagents"]
    assert "-I" in server["args"] and server["env"]["KAGENTS_AGENT_NAME"] == "worker"


def test_instructions_are_the_home_s_own_file_and_follow_no_link(context: MakeContext) -> None:
    made = context(instructions="Say please.\n")
    made.home_dir.mkdir()
    theirs = made.home_dir / "theirs"
    theirs.write_text("kept")
    (made.home_dir / "CLAUDE.md").symlink_to(theirs)
    prepare_home(made, choose_credential(made.environment))
    assert (made.home_dir / "CLAUDE.md").read_text() == "Say please.\n"
    assert theirs.read_text() == "kept"


def test_without_instructions_there_is_no_such_file(context: MakeContext) -> None:
    made = context()
    prepare_home(made, choose_credential(made.environment))
    assert not (made.home_dir / "CLAUDE.md").exists()


@pytest.mark.parametrize("damage", ["{", "[]", '{"projects": 7}'])
def test_a_damaged_configuration_is_replaced(context: MakeContext, damage: str) -> None:
    made = context()
    made.home_dir.mkdir()
    (made.home_dir / ".claude.json").write_text(damage)
    (made.home_dir / "teams").mkdir()
    prepare_home(made, choose_credential(made.environment))
    assert json.loads((made.home_dir / ".claude.json").read_text())["hasCompletedOnboarding"] is True
    assert (made.home_dir / "teams").is_symlink() and list(made.home_dir.glob("teams.set-aside-*"))


def test_a_worktree_trusts_its_main_checkout_too(tmp_path: Path) -> None:
    repository, worktree = tmp_path / "repo", tmp_path / "worktrees/w"
    git = ["git", "-c", "user.name=t", "-c", "user.email=t@example.test", "-C"]
    subprocess.run([*git[:1], "init", "-q", str(repository)], check=True)
    subprocess.run([*git, str(repository), "commit", "-q", "--allow-empty", "-m", "x"], check=True)
    subprocess.run(
        [*git, str(repository), "worktree", "add", "-q", str(worktree)], check=True, capture_output=True
    )
    assert trusted_folders(worktree) == [str(worktree.resolve()), str(repository.resolve())]
    assert trusted_folders(repository) == [str(repository.resolve())]


async def test_hooks_append_whole_lines_even_at_once(tmp_path: Path) -> None:
    events = tmp_path / "it's an event file.jsonl"
    command_line = append_command(events)
    payloads = [json.dumps({"hook_event_name": "Stop", "n": n, "x": chr(97 + n) * 300_000}) for n in range(8)]

    async def run(payload: str) -> tuple[int | None, bytes]:
        process = await asyncio.create_subprocess_exec(
            "/bin/sh", "-c", command_line, stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE
        )
        output, _ = await process.communicate(payload.encode() + b"\n")
        return process.returncode, output

    assert set(await asyncio.gather(*map(run, payloads))) == {(0, b"")}
    found = parse_events(events, 0)
    assert found.malformed == () and len(found.payloads) == 8
    assert {(event["n"], event["x"]) for event in found.payloads} == {
        (n, chr(97 + n) * 300_000) for n in range(8)
    }
    assert all(event["kagentsAt"].endswith("Z") for event in found.payloads)


def test_a_hook_that_cannot_write_does_not_disturb_the_agent(tmp_path: Path) -> None:
    done = subprocess.run(
        ["/bin/sh", "-c", append_command(tmp_path / "missing/events")],
        input=b"{}\n",
        capture_output=True,
        check=False,
    )
    assert (done.returncode, done.stdout) == (0, b"")


def options(arguments: list[str]) -> dict[str, str]:
    end = arguments.index("--")
    return dict(pairwise(arguments[: end + 1]))


def test_the_first_start(context: MakeContext) -> None:
    made = context(model="opus", effort="high")
    arguments = command("/c", made, Prepared(Path("/m.json")), resume=False)
    given = options(arguments)
    assert arguments[0] == "/c" and arguments[-1] == "Do it."
    assert (given["--agent-id"], given["--agent-name"], given["--team-name"]) == (
        "worker@demo",
        "worker",
        "demo",
    )
    assert given["--session-id"] == made.agent.session_id and "--resume" not in given
    assert (given["--permission-mode"], given["--model"], given["--effort"]) == (
        "bypassPermissions",
        "opus",
        "high",
    )
    assert given["--mcp-config"] == "/m.json" and "--strict-mcp-config" in arguments
    assert "AskUserQuestion" in given["--disallowedTools"]
    told = given["--append-system-prompt"]
    assert "You are `worker`" in told and "`tester` (teammate; starts when worker has ended)" in told
    assert "`worker` (teammate; you; starts when a person has approved go)" in told
    assert "report to `lead`" in told and "dismiss`" not in told


def test_the_lead_is_told_how_to_end_the_team(context: MakeContext) -> None:
    told = options(command("/c", context("lead"), Prepared(Path("/m")), resume=False))[
        "--append-system-prompt"
    ]
    assert "`dismiss`" in told and "`finish`" in told


def test_a_later_start_resumes(context: MakeContext) -> None:
    made = context(attempt=2)
    arguments = command("/c", made, Prepared(Path("/m")), resume=True)
    assert options(arguments)["--resume"] == made.agent.session_id
    assert "attempt 3" in arguments[-1] and "Do it." not in arguments[-1]


@pytest.mark.parametrize(
    ("mode", "expected", "plan"),
    [("auto-accept", "bypassPermissions", False), ("plan", "plan", True), ("default", "manual", False)],
)
def test_permission_modes(context: MakeContext, mode: str, expected: str, plan: bool) -> None:
    arguments = command("/c", context(permissionMode=mode), Prepared(Path("/m")), resume=False)
    assert arguments[arguments.index("--permission-mode") + 1] == expected
    assert ("--plan-mode-required" in arguments) is plan
    disallowed = (
        arguments[arguments.index("--disallowedTools") + 1] if "--disallowedTools" in arguments else ""
    )
    assert ("ExitPlanMode" in disallowed) is not plan
    assert ("AskUserQuestion" in disallowed) is (mode == "auto-accept")


def test_the_environment_is_the_agent_s_own(context: MakeContext) -> None:
    made = context(
        environment={
            "ANTHROPIC_BASE_URL": "http://gateway",
            "MY_SETTING": "1",
            "KAGENTS_TEAM": "{}",
            "KUBERNETES_SERVICE_HOST": "10.0.0.1",
            "CLAUDECODE": "1",
            "CLAUDE_CODE_SESSION_ID": "of another session",
            "CLAUDE_CODE_OAUTH_TOKEN": "not chosen",
            "HOME": "/root",
            "TMPDIR": "/scratch",
        }
    )
    given = process_environment(made, choose_credential(made.environment))
    assert given["ANTHROPIC_BASE_URL"] == "http://gateway" and given["MY_SETTING"] == "1"
    assert given["HOME"] == given["CLAUDE_CONFIG_DIR"] == str(made.home_dir)
    assert given["CLAUDE_CODE_TMPDIR"] == "/scratch" and given["ANTHROPIC_API_KEY"] == LONG_KEY
    assert given["CLAUDE_CODE_EXPERIMENTAL_AGENT_TEAMS"] == given["CLAUDE_CODE_ENABLE_TODO_TOOLS"] == "1"
    absent = {
        "KAGENTS_TEAM",
        "KUBERNETES_SERVICE_HOST",
        "CLAUDECODE",
        "CLAUDE_CODE_SESSION_ID",
        "CLAUDE_CODE_OAUTH_TOKEN",
    }
    assert not absent & set(given)


def transcript(home: Path, *entries: Any) -> Path:
    path = home / "projects/-w/sid.jsonl"
    path.parent.mkdir(parents=True)
    path.write_text("".join(json.dumps(entry) + "\n" for entry in entries))
    return path


def test_only_a_conversation_is_resumed(tmp_path: Path) -> None:
    assert find_transcript(tmp_path, "sid") is None and not has_conversation(None)
    path = transcript(tmp_path, {"type": "mode"}, {"type": "api-request-blob", "role": "user"})
    assert find_transcript(tmp_path, "sid") == path and not has_conversation(path)
    with path.open("a") as file:
        file.write('{"type":"user"')
    assert not has_conversation(path)
    with path.open("a") as file:
        file.write("}\n")
    assert has_conversation(path)


@pytest.mark.parametrize("strategy", ["per-teammate", "shared"])
@pytest.mark.parametrize(
    ("access", "told"),
    [("none", ()), ("fetch", ("git fetch origin",)), ("push", ("git fetch origin", "git push origin HEAD"))],
)
def test_an_agent_is_told_whether_it_reaches_the_repository(
    context: MakeContext, access: str, told: tuple[str, ...], strategy: str
) -> None:
    worker = context()
    repository = Repository("https://h/x", "main", strategy, agent_access=access)
    worker = replace(worker, team=replace(worker.team, repository=repository))
    said = options(command("/c", worker, Prepared(Path("/m")), resume=False))["--append-system-prompt"]
    assert tuple(each for each in ("git fetch origin", "git push origin HEAD") if each in said) == told
