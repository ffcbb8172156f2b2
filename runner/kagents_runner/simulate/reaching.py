"""A simulated agent's way to the team's repository: the one that a real agent's git goes."""

from kagents_core.safetext import clean
from kagents_core.simulation import Fetch, Push
from kagents_runner.harness.protocol import AgentContext
from kagents_runner.locations import branch_of, place_of
from kagents_runner.prepare.git import Git, GitError

_SECONDS = 600.0


async def reach(context: AgentContext, step: Fetch | Push) -> str:
    """Does it, and says in one line what became of it: a refusal is an answer, not a failure."""
    repository = context.team.repository
    if repository is None or repository.agent_access == "none":
        return "the repository is not reached: spec.repository.agentAccess is none"
    names = ("PATH", *(name for name in context.environment if name.startswith("GIT_CONFIG_")))
    extra = {name: context.environment[name] for name in names if name in context.environment}
    git = Git(context.environment, {**extra, "GIT_ALLOW_PROTOCOL": "kagents"})
    own = branch_of(context.team.name, place_of(context.team, context.agent.name))
    try:
        if isinstance(step, Fetch):
            await git.run("fetch", "--quiet", "origin", cwd=context.cwd, seconds=_SECONDS)
            return "fetched"
        branch = step.branch or own
        await git.run(
            "push", "--quiet", "origin", f"HEAD:refs/heads/{branch}", cwd=context.cwd, seconds=_SECONDS
        )
    except GitError as error:
        lines = [line.strip() for line in error.stderr.splitlines() if line.strip()]
        told = [line for line in lines if line.startswith(("!", "fatal:", "remote:", "kagents:"))] or lines
        return clean(f"refused: {'; '.join(told[-3:])}", limit=600, multiline=False)
    return f"pushed {branch}"
