"""Scripts of simulated agents: every wrong form is named with its step; nothing makes the reader fail."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kagents_core.api.constants import API_VERSION
from kagents_core.api.validation import validate
from kagents_core.simulation import (
    SCRIPT_LIMIT,
    STEP_LIMIT,
    AskPermission,
    AskQuestion,
    Claim,
    Complete,
    CreateTask,
    Dismiss,
    Fail,
    Finish,
    Say,
    ScriptError,
    Send,
    Shutdown,
    SubmitPlan,
    Use,
    Wait,
    Work,
    check_script,
    parse_script,
)

WHOLE = """
- say: hello
- work: 3
- work: {seconds: 0.5, write: {notes/a.md: text}}
- send: {to: scout, text: go, summary: s}
- create_task: {subject: S, description: D, owner: scout}
- claim: any
- claim: S
- complete: all
- complete: S
- wait: {mail_from: scout, task: true, seconds: 2, ended: scout}
- wait: {ended: [scout, writer]}
- dismiss: scout
- finish: done
- fail: broken
- shutdown: enough
- use: {input: 10, output: 2}
- ask_permission: make
- ask_permission: {tool: Write, input: {file_path: a.md}}
- submit_plan: a plan
- ask_question: {question: Why?, options: [a, b], multiple: true}
"""


def test_every_step_is_read() -> None:
    assert parse_script(WHOLE) == (
        Say("hello"),
        Work(3.0, {}),
        Work(0.5, {"notes/a.md": "text"}),
        Send("scout", "go", "s"),
        CreateTask("S", "D", "scout"),
        Claim(),
        Claim("S"),
        Complete(),
        Complete("S"),
        Wait("scout", True, 2.0, ("scout",)),
        Wait(ended=("scout", "writer")),
        Dismiss("scout"),
        Finish("done"),
        Fail("broken"),
        Shutdown("enough"),
        Use(10, 2),
        AskPermission("Bash", {"command": "make"}),
        AskPermission("Write", {"file_path": "a.md"}),
        SubmitPlan("a plan"),
        AskQuestion("Why?", ("a", "b"), multiple=True),
    )


@pytest.mark.parametrize(
    ("step", "problem"),
    [
        ("sya: x", "there is no step 'sya'; known are say, work, send"),
        ("say", "a step is one name with its value"),
        ("{say: a, work: 1}", "a step is one name with its value"),
        ("say:", "say is a text that is not empty, not None"),
        ("say: 5", "say is a text that is not empty, not 5"),
        ("say: ' '", "say is a text that is not empty"),
        ("work: soon", "work is a number of seconds up to 86400, not 'soon'"),
        ("work: -1", "work is a number of seconds"),
        ("work: true", "work is a number of seconds"),
        ("work: {seconds: 90000}", "work.seconds is a number of seconds"),
        ("work: {hours: 1}", "work has no 'hours'; it takes seconds, write"),
        ("work: {write: [a]}", "work.write is a mapping of at most 100 paths"),
        ("work: {write: {../x: y}}", "'../x' is not a relative path inside the working directory"),
        ("work: {write: {/etc/x: y}}", "is not a relative path"),
        ("work: {write: {a/.git/config: y}}", "is not a relative path"),
        ("work: {write: {a//b: y}}", "is not a relative path"),
        ("work: {write: {a: 5}}", "the content of 'a' is a text, not 5"),
        ("send: hello", "send takes to, text, summary, not 'hello'"),
        ("send: {to: scout}", "send needs text"),
        ("send: {text: t}", "send needs to"),
        ("send: {to: ../x, text: t}", "send.to is the name of an agent, not '../x'"),
        ("send: {to: scout, text: t, subject: x}", "send has no 'subject'"),
        ("create_task: {description: d}", "create_task needs subject"),
        ("create_task: {subject: s, owner: [a]}", "create_task.owner is the name of an agent"),
        ("claim:", "claim is a text"),
        ("complete: 7", "complete is a text"),
        ("wait: {}", "wait needs mail_from, task, seconds or ended"),
        ("wait: forever", "wait takes mail_from, task, seconds, ended, not 'forever'"),
        ("wait: {task: 1}", "wait.task is true or false, not 1"),
        ("wait: {ended: {a: b}}", "wait.ended is the name of an agent or a list of names"),
        ("wait: {ended: [5]}", "wait.ended is the name of an agent, not 5"),
        ("wait: {seconds: later}", "wait.seconds is a number of seconds"),
        ("dismiss: A b", "dismiss is the name of an agent, not 'A b'"),
        ("use: {input: 1.5}", "use.input is a whole number of tokens, not 1.5"),
        ("use: {output: -3}", "use.output is a whole number of tokens"),
        ("use: {tokens: 3}", "use has no 'tokens'"),
    ],
)
def test_a_wrong_step_is_named_with_its_number(step: str, problem: str) -> None:
    problems = check_script(f"- say: first\n- {step}\n- say: last\n")
    assert len(problems) == 1
    assert problems[0].startswith("step 2: ")
    assert problem in problems[0]


def test_all_wrong_steps_are_told_at_once() -> None:
    with pytest.raises(ScriptError) as caught:
        parse_script("- sya: a\n- say: b\n- work: c\n")
    assert [problem[:7] for problem in caught.value.problems] == ["step 1:", "step 3:"]


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "a list of steps"),
        ("[]", "a list of steps"),
        ("say: hello", "a list of steps"),
        ("- say: a\n---\n- say: b\n", "a list of steps"),
        ("- say: [", "script"),
        ("- say: &a x\n- say: *b\n", "alias"),
        ("- !!python/object:os.system {}", "tag"),
        ("x" * (SCRIPT_LIMIT + 1), f"at most {SCRIPT_LIMIT} characters"),
        ("- say: x\n" * (STEP_LIMIT + 1), f"at most {STEP_LIMIT} steps"),
    ],
)
def test_what_is_no_list_of_steps_is_refused(text: str, problem: str) -> None:
    [found] = check_script(text)
    assert problem in found


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)
STEPS = "say work send create_task claim complete wait dismiss finish fail shutdown use x"
NAMES = st.sampled_from(STEPS.split())
FIELDS = "to text summary subject owner seconds write mail_from task ended input output"
KEYS = st.sampled_from(FIELDS.split())
VALUES = JSON | st.dictionaries(KEYS, JSON, max_size=4)


@given(st.text(max_size=200))
def test_no_text_makes_the_reader_fail(text: str) -> None:
    _read_like_a_script(text)


@given(st.lists(st.dictionaries(NAMES, VALUES, max_size=2), max_size=4))
def test_no_structure_makes_the_reader_fail(steps: list[dict[str, object]]) -> None:
    import json

    _read_like_a_script(json.dumps(steps))


def _read_like_a_script(text: str) -> None:
    """It can be played, or there is a problem; never both, never neither, and never another error."""
    problems = check_script(text)
    assert all(isinstance(problem, str) and problem for problem in problems)
    if problems:
        with pytest.raises(ScriptError):
            parse_script(text)
    else:
        assert parse_script(text)


def team(**scripts: str) -> dict[str, object]:
    """A manifest with these scripts."""

    def agent(name: str) -> dict[str, object]:
        return {"prompt": "work"} | ({"script": scripts[name]} if name in scripts else {})

    spec = {
        "harness": "simulated",
        "workspace": {"output": {"size": "1Gi"}},
        "lead": agent("lead"),
        "teammates": [{"name": "scout", **agent("scout")}],
    }
    return {"apiVersion": API_VERSION, "kind": "AgentTeam", "metadata": {"name": "t"}, "spec": spec}


def problems_of(**scripts: str) -> list[tuple[str, str]]:
    return [(error.field, error.message) for error in validate(team(**scripts))]


def test_a_script_that_can_be_played_is_applied() -> None:
    assert problems_of(lead="- send: {to: scout, text: go}", scout="- wait: {mail_from: team-lead}") == []


def test_a_wrong_script_is_refused_when_it_is_applied() -> None:
    assert problems_of(lead="- say: a\n- work: soon\n- nap: 1\n") == [
        ("spec.lead.script", "step 2: work is a number of seconds up to 86400, not 'soon'"),
        (
            "spec.lead.script",
            "step 3: there is no step 'nap'; known are say, work, send, create_task, claim, complete, wait, "
            "fetch, push, report, dismiss, finish, fail, shutdown, use, ask_permission, submit_plan, "
            "ask_question",
        ),
    ]


@pytest.mark.parametrize(
    ("step", "name"),
    [
        ("send: {to: scuot, text: go}", "scuot"),
        ("create_task: {subject: s, owner: team-lead}", "team-lead"),
        ("wait: {mail_from: nobody}", "nobody"),
        ("wait: {ended: [scout, nobody]}", "nobody"),
        ("dismiss: nobody", "nobody"),
    ],
)
def test_a_script_names_agents_of_its_team_only(step: str, name: str) -> None:
    assert problems_of(scout=f"- say: a\n- {step}\n") == [
        ("spec.teammates[0].script", f"step 2: there is no agent {name!r} in this team")
    ]


def test_a_script_of_an_agent_that_is_not_simulated_is_refused() -> None:
    manifest = team(lead="- say: x")
    spec = manifest["spec"]
    assert isinstance(spec, dict)
    spec |= {"harness": "claude-code", "auth": {"apiKeySecret": "s"}}
    assert [error.message for error in validate(manifest)] == [
        "only an agent with harness simulated takes a script"
    ]
