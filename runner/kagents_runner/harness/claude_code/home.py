"""Prepares an agent's home (``CLAUDE_CONFIG_DIR``) so that no dialog of the first run can ever block it."""

import os
import secrets
import shlex
import sys
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import orjson

from kagents_core.teamfiles.files import read_bounded, replace_file
from kagents_core.teamfiles.layout import TeamLayout
from kagents_runner.equipment import McpServerDocument
from kagents_runner.harness.claude_code.credentials import Credential
from kagents_runner.harness.claude_code.hooks import hook_settings
from kagents_runner.harness.claude_code.plugins import foreign_plugins, install_plugins
from kagents_runner.harness.claude_code.skills import install_skills
from kagents_runner.harness.protocol import AgentContext
from kagents_runner.locations import working_place
from kagents_runner.outside import scope_state

_CONFIG_BYTES = 32 * 1024 * 1024
_HOOK_SECONDS = 60
"""What the hook of the checks may take beside the checks themselves."""

_ANSWERED = {
    "hasTrustDialogAccepted": True,
    # A CLAUDE.md that imports files from outside the repository: not allowed, and not asked about.
    "hasClaudeMdExternalIncludesApproved": False,
    "hasClaudeMdExternalIncludesWarningShown": True,
}
"""A folder's questions, answered beforehand."""


@dataclass(frozen=True, slots=True)
class Prepared:
    """What the command line names."""

    mcp: Path
    """The MCP configuration."""
    plugins: tuple[Path, ...] = ()
    settings: Path | None = None
    """What stands above a repository's own settings."""


def prepare_home(context: AgentContext, credential: Credential) -> Prepared:
    """Writes what the CLI reads at its start; keeps what an earlier attempt left.

    Raises ``OSError`` when the home or the team directory cannot be written.
    """
    home, layout = context.home_dir, TeamLayout(context.team_dir, context.team.name)
    home.mkdir(parents=True, exist_ok=True)
    layout.events_dir.mkdir(parents=True, exist_ok=True)
    for name in ("teams", "tasks"):
        (context.team_dir / name).mkdir(parents=True, exist_ok=True)
        _link(home / name, context.team_dir / name)
    _write(home / ".claude.json", _configuration(home / ".claude.json", context.cwd, credential))
    hooks = hook_settings(
        layout.events(context.agent.name),
        _scope(context),
        _quality(context),
        commands=context.team.repository is None,
        artifacts=_artifacts(context),
    )
    _write(home / "settings.json", _settings(hooks, credential))
    if context.agent.instructions:  # the CLI reads it before every session, ahead of the repository's own
        replace_file(home / "CLAUDE.md", context.agent.instructions.encode(), mode=0o600)
    install_skills(home, context.agent.skills, context.cwd)
    servers = {each.name: asdict(each) for each in context.agent.mcp_servers if each.command is not None}
    if servers:
        _write(_commands(home), servers)
    mcp = home / "kagents-mcp.json"
    _write(mcp, _mcp(context))
    plugins = install_plugins(home, context.agent.plugins, context.cwd)
    return Prepared(mcp, plugins, _above(home, context.cwd))


def _above(home: Path, cwd: Path) -> Path | None:
    """Settings that a repository's own cannot replace; None where it has nothing to be switched off."""
    path = home / "kagents-settings.json"
    foreign = foreign_plugins(map(Path, trusted_folders(cwd)))
    if not foreign:
        path.unlink(missing_ok=True)
        return None
    _write(path, {"enabledPlugins": foreign})
    return path


def trusted_folders(cwd: Path) -> list[str]:
    """The folders that the CLI asks about before it works in ``cwd``: itself, and its repository's
    main checkout.
    """
    found = [os.path.realpath(cwd)]
    marker = Path(found[0]) / ".git"
    try:
        pointer = read_bounded(marker, 4096).decode(errors="replace")
    except OSError:
        return found
    if pointer.startswith("gitdir:"):
        # <main checkout>/.git/worktrees/<name>
        found.append(str(Path(pointer.removeprefix("gitdir:").strip()).parents[2]))
    return found


def _configuration(path: Path, cwd: Path, credential: Credential) -> dict[str, Any]:
    configuration = _read(path)
    configuration["hasCompletedOnboarding"] = True
    configuration.pop("customApiKeyResponses", None)
    if credential.approved_ending is not None:
        approved = {"approved": [credential.approved_ending], "rejected": []}
        configuration["customApiKeyResponses"] = approved
    projects = configuration.get("projects")
    configuration["projects"] = projects = dict(projects) if isinstance(projects, dict) else {}
    for folder in trusted_folders(cwd):
        known = projects.get(folder)
        projects[folder] = {**(known if isinstance(known, dict) else {}), **_ANSWERED}
    return configuration


def _scope(context: AgentContext) -> Path | None:
    """The file that the scope's hook reads; None for an agent that may change everything."""
    scope, repository = context.agent.scope, context.team.repository
    if scope is None:
        return None
    path = context.home_dir / "kagents-scope.json"
    told = {"include": scope.include, "exclude": scope.exclude, "worktree": str(context.cwd)}
    base = None if repository is None else f"origin/{repository.branch}"
    _write(path, told | {"base": base, "state": str(scope_state(context.home_dir))})
    return path


def _quality(context: AgentContext) -> tuple[Path, int] | None:
    """The file that the hook of the checks reads, and how long it may take; None without checks."""
    quality = context.agent.quality
    if not quality.gates:
        return None
    path = context.home_dir / "kagents-quality.json"
    place = context.place
    told = {"worktree": str(place.worktree), "home": str(place.home), "base": place.base}
    told["lock"] = str(place.lock) if place.lock else None
    _write(path, {"quality": asdict(quality), **told})
    # Another call of the same moment, or another agent in a shared worktree, may be first.
    turns = 2 if place.lock is None else 1 + len(context.team.agents)
    return path, int(turns * len(quality.gates) * quality.seconds) + _HOOK_SECONDS


def _artifacts(context: AgentContext) -> Path | None:
    """The file of what the agent is to make, for the hook that reminds of it; None when that is nothing."""
    agent = context.agent
    if not agent.artifacts:
        return None
    root, place = working_place(context.team, agent.name, context.work_dir)
    path = context.home_dir / "kagents-artifacts.json"
    told = {"root": str(root), "place": list(place), "cwd": str(context.cwd)}
    reminders = context.home_dir / "kagents-artifacts-reminders"
    made = [{"name": each.name, "path": each.path} for each in agent.artifacts]
    _write(path, told | {"reminders": str(reminders), "artifacts": made})
    return path


def _settings(hooks: dict[str, Any], credential: Credential) -> dict[str, Any]:
    settings: dict[str, Any] = {
        "tui": "default",
        "skipDangerousModePermissionPrompt": True,
        "skipWebFetchPreflight": True,
        "hooks": hooks,
    }
    if credential.helper is not None:
        settings["apiKeyHelper"] = credential.helper
    return settings


def _mcp(context: AgentContext) -> dict[str, Any]:
    server = {
        "type": "stdio",
        "command": sys.executable,
        # Isolated: the agent's working directory must not be able to stand in for a module.
        "args": ["-I", "-m", "kagents_runner.mcp"],
        "env": {"KAGENTS_TEAM_DIR": str(context.team_dir), "KAGENTS_AGENT_NAME": context.agent.name},
    }
    others = {each.name: _other(each, context.home_dir) for each in context.agent.mcp_servers}
    return {"mcpServers": {**others, "kagents": server}}


def _other(server: McpServerDocument, home: Path) -> dict[str, Any]:
    """A server of the team; its headers are fetched, its variables set, by a program when it is needed."""
    if server.command is not None:
        arguments = ["-I", "-m", "kagents_runner.mcp.stdio", str(_commands(home)), server.name]
        return {"type": "stdio", "command": sys.executable, "args": arguments}
    entry = {"type": server.type, "url": server.url}
    if server.credentials is not None:
        module = "kagents_runner.mcp.headers"
        entry["headersHelper"] = shlex.join([sys.executable, "-I", "-m", module, server.credentials])
    return entry


def _commands(home: Path) -> Path:
    """The file that tells which programs the team's own servers are."""
    return home / "kagents-mcp-commands.json"


def _link(link: Path, target: Path) -> None:
    if link.is_symlink():
        if link.readlink() == target:
            return
        link.unlink()
    elif link.exists():
        link.rename(link.with_name(f"{link.name}.set-aside-{secrets.token_hex(4)}"))
    link.symlink_to(target)


def _read(path: Path) -> dict[str, Any]:
    try:
        value = orjson.loads(read_bounded(path, _CONFIG_BYTES))
    except (OSError, orjson.JSONDecodeError):
        return {}
    return value if isinstance(value, dict) else {}


def _write(path: Path, value: Mapping[str, Any]) -> None:
    replace_file(path, orjson.dumps(value, option=orjson.OPT_INDENT_2), mode=0o600)
