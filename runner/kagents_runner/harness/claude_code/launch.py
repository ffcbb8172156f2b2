"""The command line and the environment of an agent's CLI. Prompts are arguments; secrets never are."""

import os
import uuid

from kagents_runner.harness.claude_code.credentials import (
    API_KEY,
    BEARER_TOKEN,
    OAUTH_TOKEN,
    PROVIDER_VARIABLES,
    Credential,
)
from kagents_runner.harness.claude_code.home import Prepared
from kagents_runner.harness.claude_code.prompts import conflict_prompt, restarted_prompt, team_instructions
from kagents_runner.harness.protocol import AgentContext

_PERMISSION_MODES = {"auto-accept": "bypassPermissions", "plan": "plan", "default": "manual"}

_FIXED = {
    "CLAUDE_CODE_EXPERIMENTAL_AGENT_TEAMS": "1",
    "CLAUDE_CODE_ENABLE_TODO_TOOLS": "1",
    "CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC": "1",
    "CLAUDE_CODE_DISABLE_OFFICIAL_MARKETPLACE_AUTOINSTALL": "1",
    "DISABLE_AUTOUPDATER": "1",
    "TERM": "xterm-256color",
}

_FOREIGN_PREFIXES = (
    "KAGENTS_",
    "KUBERNETES_",
    "CLAUDE_CODE_CHILD",
    "CLAUDE_CODE_MESSAGING",
    "CLAUDE_CODE_SESSION",
)
"""Variables of kagents, of Kubernetes, and of a CLI session that the engine may have been started from."""

_FOREIGN = {
    "CLAUDECODE",
    "CLAUDE_CODE_ENTRYPOINT",
    "CLAUDE_EFFORT",
    "CLAUDE_PID",
    "CLAUDE_PROJECT_DIR",
    "TMUX",
    "TMUX_PANE",
}
_CREDENTIALS = {API_KEY, OAUTH_TOKEN, BEARER_TOKEN}


def command(executable: str, context: AgentContext, prepared: Prepared, *, resume: bool) -> list[str]:
    """The arguments: identity in the team, session, permissions, the kagents tools, and the first
    user turn.
    """
    agent, team = context.agent, context.team
    mode = _PERMISSION_MODES.get(agent.permission_mode, "manual")
    # An agent that may do everything works without people: it is not to stop for their answer.
    disallowed = ["AskUserQuestion"] if mode == "bypassPermissions" else []
    if mode != "plan":
        disallowed += ["EnterPlanMode", "ExitPlanMode"]
    return [
        executable,
        *("--agent-id", f"{agent.name}@{team.name}"),
        *("--agent-name", agent.name),
        *("--team-name", team.name),
        *("--agent-type", "general-purpose"),
        *("--parent-session-id", str(uuid.uuid5(uuid.NAMESPACE_OID, team.uid))),
        *("--resume" if resume else "--session-id", agent.session_id),
        *("--permission-mode", mode),
        *(["--plan-mode-required"] if mode == "plan" else []),
        *(["--model", agent.model] if agent.model else []),
        *(["--effort", agent.effort] if agent.effort else []),
        *("--mcp-config", str(prepared.mcp)),
        "--strict-mcp-config",
        *(part for plugin in prepared.plugins for part in ("--plugin-dir", str(plugin))),
        *(["--settings", str(prepared.settings)] if prepared.settings else []),
        *("--allowedTools", "mcp__kagents"),
        *(["--disallowedTools", ",".join(disallowed)] if disallowed else []),
        *("--append-system-prompt", team_instructions(context)),
        "--",
        _opening(context, resume=resume),
    ]


def _opening(context: AgentContext, *, resume: bool) -> str:
    """The first user turn."""
    if context.agent.conflict is not None:
        return conflict_prompt(context.agent.conflict, context.work_dir)
    return restarted_prompt(context.agent) if resume else context.agent.prompt


def process_environment(context: AgentContext, credential: Credential) -> dict[str, str]:
    """The whole environment of the CLI: the agent's own variables, the credential, and the fixed settings."""
    elsewhere = PROVIDER_VARIABLES if context.model_url is not None else frozenset()
    own = {
        name: value for name, value in context.environment.items() if _is_own(name) and name not in elsewhere
    }
    return {
        **own,
        "PATH": own.get("PATH", os.defpath),
        "HOME": str(context.home_dir),
        "CLAUDE_CONFIG_DIR": str(context.home_dir),
        **_FIXED,
        **({"IS_SANDBOX": "1"} if os.geteuid() == 0 else {}),
        **({"CLAUDE_CODE_TMPDIR": own["TMPDIR"]} if own.get("TMPDIR") else {}),
        **credential.environment,
    }


def _is_own(name: str) -> bool:
    return name not in _FOREIGN and name not in _CREDENTIALS and not name.startswith(_FOREIGN_PREFIXES)
