"""What an agent is told about its team, beside the prompt that a person wrote for it."""

from pathlib import Path

from kagents_runner.documents import AgentDocument, RosterEntry, TeamDocument
from kagents_runner.harness.protocol import AgentContext
from kagents_runner.locations import branch_of, place_of
from kagents_runner.quality.wanted import checks
from kagents_runner.scope import FOLDER

_EVERYONE = """\
You are `{agent}`, an agent of the team `{team}`. Every agent of this team is a \
Claude Code session of its own with its own working directory, started and ended by kagents. \
Nobody sits at your terminal: never wait for typed input. Your working directory is {cwd}.{place}

The team:
{roster}

- To talk to an agent, use SendMessage with its name. Mail to one that has not started yet waits \
for it. What you only write as text reaches nobody.
- The shared task list (TaskCreate, TaskUpdate, TaskList) is everyone's. Claim a task by setting \
its owner to yourself and its status to in_progress before you work on it; leave tasks of others \
alone.
- `team-lead` is kagents itself, whatever else you are told about that name: it starts and ends \
agents and passes on what people write to you. Reports sent to it help nobody; {reports}
- The tool `team` of the kagents server shows who is there and who waits for what; `report` \
records a result for the people.
- When you have nothing to do, end your turn. Mail wakes you.
- On a shutdown_request, answer with SendMessage to `team-lead`, the message being \
{{"type":"shutdown_response","request_id":<the requestId of the request>,"approve":true}}; refuse \
only while your work is unfinished.
"""

_ATTENDED = """
- People answer what you ask permission for, read the plans you submit, and answer what you ask with \
AskUserQuestion. That may take long: ask only for what you cannot go on without.
"""

_CHECKED = """
- Your work is checked in your working directory ({checks}) before a task counts as completed and \
before you may approve a shutdown_request{finish}. When a check fails, that call is refused and you are \
shown the output: mend it and call again. After {rounds} failures in a row kagents ends you, and the team \
has failed. So run the checks yourself before you say that something is done.
"""

_MADE = """
- Before you end, these must be there; kagents keeps them for the people and for agents that start after you:
{artifacts}
"""

_TAKEN = """
- These were made for you by agents that have ended; they are read-only:
{inputs}
"""

_LEAD = """
You lead. kagents starts the teammates by itself; do not start agents of your own for \
their work. Give each its task by mail, judge what they report, and ask for corrections. As soon \
as the work of a teammate is accepted, end it with the tool `dismiss`: those that depend on it \
start only then. When every teammate has ended and all is done, call `finish` with a summary.
"""

_TEAMMATE = """
`{lead}` leads. When your work is done, send `{lead}` a message that says what you \
did and where it is, then end your turn. You will be dismissed, or asked for more.
"""

_RESTARTED = """\
kagents has started you again{attempt}: your process had ended before your work was done. \
Your conversation up to then is above. A tool call that was running may or may not have \
taken effect, so check before you repeat it. Mail that you had not seen is delivered to you again. \
Go on with your work."""


_CONFLICT = """\
kagents has started you again: all agents have ended, and their branches cannot be joined. {conflict}

Resolve it, so that the work of both sides holds. The worktree of a branch kagents/TEAM/AGENT is \
{worktrees}/AGENT: go to that of the branch named first, run `git merge` there with each branch that it \
conflicts with, mend the files named, run the project's checks, `git add` the files and commit. Change \
and delete no other branch, and leave no merge unfinished. When you are done, end your turn and approve \
the shutdown_request: then kagents joins the branches once more. If you cannot resolve it, run \
`git merge --abort` and end: then people will."""


def conflict_prompt(conflict: str, work_dir: Path) -> str:
    """The user turn of a lead that is started for a conflict of branches."""
    return _CONFLICT.format(conflict=conflict, worktrees=work_dir / "worktrees")


def team_instructions(context: AgentContext) -> str:
    """The text appended to the system prompt."""
    team, agent = context.team, context.agent
    lead = next((entry.name for entry in team.agents if entry.role == "lead"), "lead")
    text = _EVERYONE.format(
        agent=agent.name,
        team=team.name,
        cwd=context.cwd,
        place=_place(team, agent),
        roster="\n".join(_line(entry, agent.name) for entry in team.agents),
        reports="teammates report to you." if agent.role == "lead" else f"report to `{lead}`.",
    )
    if agent.permission_mode != "auto-accept":
        text += _ATTENDED
    if agent.inputs:
        text += _TAKEN.format(inputs="\n".join(f"  - {each}: {each.path}" for each in agent.inputs))
    if agent.artifacts:
        made = "\n".join(f"  - {each.name}: {context.cwd / each.path}" for each in agent.artifacts)
        text += _MADE.format(artifacts=made)
    if agent.quality.gates:
        text += _checked(context)
    return text + (_LEAD if agent.role == "lead" else _TEAMMATE.format(lead=lead))


def _checked(context: AgentContext) -> str:
    found = [f"{check.gate}: {check.shown}" for check in checks(context.agent.quality, context.cwd)]
    finish = " or finish the team's work" if context.agent.role == "lead" else ""
    rounds = context.agent.quality.rounds + 1
    return _CHECKED.format(checks="; ".join(found), finish=finish, rounds=rounds)


_REACH = {
    "none": "",
    "fetch": " `git fetch origin` reaches the repository that it was cloned from.",
    "push": " `git fetch origin` and `git push origin HEAD` reach the repository that it was cloned from; "
    "you may push this branch alone, and never with force.",
}


def restarted_prompt(agent: AgentDocument) -> str:
    """The user turn that continues a session after its process had ended."""
    return _RESTARTED.format(attempt=f" (attempt {agent.attempt + 1})" if agent.attempt else "")


def _line(entry: RosterEntry, own: str) -> str:
    facts = [entry.role, *(["you"] if entry.name == own else [])]
    if entry.depends_on:
        facts.append(f"starts when {', '.join(entry.depends_on)} has ended")
    if entry.gate:
        facts.append(f"starts when a person has approved {entry.gate}")
    return f"- `{entry.name}` ({'; '.join(facts)})"


def _place(team: TeamDocument, agent: AgentDocument) -> str:
    if team.mode == "coding":
        branch = branch_of(team.name, place_of(team, agent.name))
        reach = _REACH[team.repository.agent_access if team.repository else "none"]
        if team.repository is not None and team.repository.shared:
            return (
                f" It is a git worktree on the branch {branch}, and all agents of the team work in it at the "
                "same time: commit only your own files, and say who changes what before you change it."
                + reach
            )
        return (
            f" It is a git worktree on the branch {branch}; commit your work there. "
            f"Other agents work on branches of their own in the same repository.{reach}"
            + (f" {agent.scope.words()}" if agent.scope else "")
        )
    inputs = f" Inputs, read-only: {', '.join(team.inputs)}." if team.inputs else ""
    scope = f" {agent.scope.words(FOLDER)}" if agent.scope else ""
    return inputs + (f" Put results into {team.output_dir}." if team.output_dir else "") + scope
