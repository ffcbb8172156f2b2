"""The whole chain with the real CLI: manifest, engine, native mail and tasks, gate, kill, end."""

import sys
from collections import Counter
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

sys.path.append(str(Path(__file__).parents[1] / "unit" / "recorder"))  # where traces go

from otlp_collector import Collector, collecting
from scripted_model import Call, Conversation, Reply, Rule, Say, Script, ScriptedModel
from small_team import git, until
from whole_team import WholeTeam, engine, kill_cli, team_of

NAME = "shop"
PROMPTS = {
    "lead": "Begin the work.",
    "builder": "Wait for a task.",
    "tester": "Test what builder has built.",
    "reviewer": "Review the branches.",
}

team = team_of(NAME)


@pytest.fixture
async def collector() -> AsyncIterator[Collector]:
    """Where the team's life is told."""
    async with collecting() as found:
        yield found


def shell(command: str) -> Call:
    return Call("Bash", {"command": command, "description": "work"})


def mail(to: str, text: str) -> Call:
    return Call("SendMessage", {"to": to, "summary": text, "message": text})


def task(**fields: str) -> Call:
    return Call("TaskUpdate", {"taskId": "1", **fields})


def dismiss(name: str) -> Call:
    return Call("mcp__kagents__dismiss", {"teammate": name, "reason": "accepted"})


def finish(conversation: Conversation, _: object) -> Reply:
    """Asks for the end until the tool agrees, with a pause after each refusal."""
    said = conversation.results[-1]
    if "Recorded." in said:
        return Say("The team is done.")
    return shell("sleep 1") if "Not yet" in said else Call("mcp__kagents__finish", {"summary": "shop built"})


BUILD = shell("echo shop > shop.txt && git add shop.txt && git commit -qm 'Build the shop'")

SCRIPT = Script(
    [
        Rule(
            "lead",
            "Begin the work",
            [
                Call("TaskCreate", {"subject": "Build the shop", "description": "In shop.txt."}),
                task(owner="builder"),
                mail("builder", "please do task 1"),
            ],
        ),
        Rule("lead", "builder is done", [dismiss("builder")]),
        Rule("lead", "tests pass", [dismiss("tester")]),
        Rule("lead", "review is good", [dismiss("reviewer"), *[finish] * 40]),
        Rule("builder", "please do task 1", [task(status="in_progress"), Say("late", delay=60)]),
        Rule(
            "builder",
            "kagents has started you again",
            [BUILD, task(status="completed"), mail("lead", "builder is done")],
        ),
        Rule("tester", "Test what", [shell("git -C . log --all --format=%s"), mail("lead", "tests pass")]),
        Rule("reviewer", "Review the", [mail("lead", "review is good")]),
    ]
)


@pytest.mark.timeout(180)
async def test_a_team_from_its_manifest_to_its_end(
    team: WholeTeam, model: ScriptedModel, collector: Collector
) -> None:
    model.script = SCRIPT
    await team.apply(
        model_url=model.url,
        tracing=collector.url,
        prompts=PROMPTS,
        dependsOn={"tester": ["builder"]},
        approvalGates=[{"event": "spawn-reviewer", "channel": "none"}],
    )

    # The builder has claimed the task and works; a person writes to it; it is killed before it has looked.
    await until(lambda: any("please do task 1" in c.prompt and len(c.calls) == 1 for c in model.requests))
    await team.send("builder", "use blue")
    await until(lambda: team.about("delivery", "use blue"))
    assert set(await team.agents_with_pods()) == {"hub", "lead", "builder"}
    await kill_cli(team, "builder")

    # Its next pod goes on in the same session, with its mail; then it is dismissed, and the tester may start.
    await until(lambda: any("started you again (attempt 2)" in c.prompt for c in model.requests))
    await until(lambda: team.about("message", "tests pass"))
    await until(lambda: _phases(team, "tester", "Succeeded"))

    # The reviewer waits for a person, and only for that.
    assert "reviewer" not in await team.agents_with_pods()
    assert [gate["state"] for gate in team.journal("gate")] == ["waiting"]
    await team.approve("spawn-reviewer")
    await until(lambda: _phase_is(team, "Completed"))

    await _check_end(team)
    _check_journal(team)
    await until(lambda: _phases(team, "hub", "Succeeded"))
    _check_trace(collector)
    assert model.unexpected == []


@pytest.mark.timeout(180)
async def test_agents_go_on_after_the_engine_was_stopped(
    team: WholeTeam, claude: str, model: ScriptedModel
) -> None:
    last = Rule("lead", "builder is done", [dismiss("builder"), *[finish] * 40])
    model.script = Script([last, *SCRIPT.rules])
    await team.apply(model_url=model.url, prompts={name: PROMPTS[name] for name in ("lead", "builder")})
    await until(lambda: any("please do task 1" in c.prompt and len(c.calls) == 1 for c in model.requests))
    await team.send("builder", "use blue")
    await until(lambda: team.about("delivery", "use blue"))
    before = {name: len([c for c in model.requests if c.agent == name]) for name in ("lead", "builder")}

    await engine("down", team.data, claude)
    assert [team.pids(name) for name in ("lead", "builder")] == [[], []]
    await engine("up", team.data, claude)
    await until(lambda: _phase_is(team, "Completed"), 90)

    for name, count in before.items():
        again = [c for c in model.requests if c.agent == name][count]
        assert "kagents has started you again" in again.prompt
    assert len(team.about("seen", "use blue")) == 1
    texts = Counter(m["text"] for m in team.journal("message") if m["type"] == "message")
    assert texts == Counter(["please do task 1", "use blue", "builder is done"])
    await until(lambda: _result_is(team, "shop built"))


async def _check_end(team: WholeTeam) -> None:
    pods = await team.agents_with_pods()
    assert sorted(pods["builder"]) == ["Failed", "Succeeded"]
    assert {agent: phases for agent, phases in pods.items() if agent not in ("builder", "hub")} == {
        "lead": ["Succeeded"],
        "tester": ["Succeeded"],
        "reviewer": ["Succeeded"],
    }
    await until(lambda: _result_is(team, "shop built"))
    assert (await team.status())["tasks"]["completed"] == 1
    repository = team.volume / "work/repo"
    assert "Build the shop" in git(repository, "log", "--format=%s", f"kagents/{NAME}/builder")
    assert [team.pids(agent) for agent in PROMPTS] == [[], [], [], []]


def _check_journal(team: WholeTeam) -> None:
    everything = team.journal()
    assert [entry["seq"] for entry in everything] == list(range(1, len(everything) + 1))
    messages = team.journal("message")
    assert len({entry["id"] for entry in messages}) == len(messages)
    written = Counter((m["from"], m["to"], m["text"]) for m in messages if m["type"] == "message")
    assert written == Counter(
        [
            ("lead", "builder", "please do task 1"),
            ("team-lead", "builder", "use blue"),
            ("builder", "lead", "builder is done"),
            ("tester", "lead", "tests pass"),
            ("reviewer", "lead", "review is good"),
        ]
    )
    for _, _, text in written:
        assert len(team.about("seen", text)) == 1, text
    assert len(team.about("resent", "use blue")) == 1
    assert team.about("resent", "please do task 1") == []
    kinds = Counter((entry["type"], entry["from"], entry["to"]) for entry in messages)
    for agent in PROMPTS:
        assert kinds["shutdown_request", "team-lead", agent] == 1
        assert kinds["shutdown_approved", agent, "team-lead"] == 1
    assert team.journal("malformed") == []
    ended = next(m["seq"] for m in messages if m["type"] == "shutdown_approved" and m["from"] == "builder")
    started = next(a["seq"] for a in team.journal("activity") if a["agent"] == "tester")
    assert ended < started
    assert [gate["state"] for gate in team.journal("gate")] == ["waiting", "approved"]
    assert "Completed" in [phase["phase"] for phase in team.journal("phase")]
    done = [entry["task"]["status"] for entry in team.journal("task") if entry["task"]["id"] == "1"]
    assert done[0] == "pending" and "in_progress" in done and done[-1] == "completed"


def _check_trace(collector: Collector) -> None:
    """Team above agents above turns above tools, also of an agent that was killed; and nobody's words."""
    collector.check()
    tree = collector.tree()
    assert tree[""] == [f"team {NAME}"]
    assert set(tree[f"team {NAME}"]) == {f"agent {name}" for name in PROMPTS}
    assert all(set(tree[f"agent {name}"]) == {"turn"} for name in PROMPTS)
    assert {"tool TaskCreate", "tool TaskUpdate", "tool SendMessage", "tool Bash"} <= set(tree["turn"])
    assert all(name.startswith("tool ") for name in tree["turn"])
    agents = {span.id: span.name for span in collector.named("agent ")}
    whole = {span.id: span for span in collector.spans}
    [created] = collector.named("tool TaskCreate")
    assert agents[whole[created.parent].parent] == "agent lead"
    [team] = collector.named("team ")
    assert team.attributes["kagents.phase"] == "Completed"
    assert all(team.start <= span.start <= span.end <= team.end for span in collector.named("tool "))
    assert not any(span.attributes.get("kagents.simulated") for span in collector.named("agent "))
    for words in (*PROMPTS.values(), "please do task 1", "use blue", "Build the shop"):
        assert all(words.encode() not in body for body in collector.bodies)


async def _phase_is(team: WholeTeam, phase: str) -> bool:
    return (await team.status()).get("phase") == phase


async def _result_is(team: WholeTeam, result: str) -> bool:
    """The recorder writes the team's last status a moment after the team has completed."""
    return (await team.status()).get("result") == result


async def _phases(team: WholeTeam, agent: str, phase: str) -> bool:
    return phase in (await team.agents_with_pods()).get(agent, [])
