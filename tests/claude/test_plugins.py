"""The real CLI with plugins: what a team gives is used, what a repository brings along starts nothing."""

import base64
import json
from collections.abc import Callable
from pathlib import Path
from shutil import make_archive

import pytest
from scripted_model import Call, Rule, Script, ScriptedModel
from small_team import KEY, MODEL, SmallTeam, until
from whole_team import NAMESPACE, engine_with_team

from kagents_core.api.resources import AGENT_TEAMS, CONFIG_MAPS, SECRETS

MakeTeam = Callable[..., SmallTeam]


def make_plugin(folder: Path, name: str, mark: Path) -> Path:
    """A plugin with a skill, a command, and a hook that leaves a mark when a session starts."""
    command = {"type": "command", "command": "${CLAUDE_PLUGIN_ROOT}/scripts/mark"}
    for path, text in {
        ".claude-plugin/plugin.json": json.dumps({"name": name, "version": "1.0.0", "description": name}),
        "skills/closing/SKILL.md": f"---\nname: closing\ndescription: Closes {name}.\n---\nCount twice.\n",
        "commands/greet.md": f"---\ndescription: Greets {name}.\n---\nSay hello.\n",
        "hooks/hooks.json": json.dumps({"hooks": {"SessionStart": [{"hooks": [command]}]}}),
        "scripts/mark": f"#!/bin/sh\necho {name} >> {mark}\n",
    }.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(text)
    return folder


async def test_a_plugin_s_skill_command_and_hook_are_used(
    small_team: MakeTeam, model: ScriptedModel, tmp_path: Path
) -> None:
    team, mark = small_team("worker"), tmp_path / "mark"
    finance = make_plugin(team.worktree("worker") / "tools/finance", "finance", mark)
    server = {"command": "touch", "args": [str(tmp_path / "server-started")]}
    (finance / ".mcp.json").write_text(json.dumps({"mcpServers": {"books": server}}))
    pulled = make_plugin(tmp_path / "pulled", "greetings", mark)
    model.script = Script([Rule("worker", "Begin", [Call("Skill", {"skill": "finance:closing"})])])
    plugins = [
        {"name": "finance", "path": "tools/finance"},
        {"name": "another", "dir": str(pulled), "oci": "registry.example.com/greetings:1"},
    ]
    team.start("worker", "Begin.", plugins=plugins)
    await until(lambda: team.hooks("worker", "TeammateIdle"))
    assert "Count twice." in model.requests[-1].everything
    offered = json.dumps(model.bodies[0])
    assert "finance:greet" in offered and "greetings:greet" in offered
    assert sorted(mark.read_text().split()) == ["finance", "greetings"]
    assert not (tmp_path / "server-started").exists(), "an agent has the servers that its team declares"
    assert model.unexpected == []


async def test_a_repository_s_own_plugins_and_marketplaces_start_nothing(
    small_team: MakeTeam, model: ScriptedModel, tmp_path: Path
) -> None:
    team, mark = small_team("worker"), tmp_path / "mark"
    worktree = team.worktree("worker")
    make_plugin(worktree / "market/theirs", "theirs", mark)
    make_plugin(worktree / "market/second", "second", mark)
    own = make_plugin(worktree / ".claude/skills/lurking", "lurking", mark)
    for script in worktree.rglob("scripts/mark"):
        script.chmod(0o755)
    entries = [{"name": name, "source": f"./{name}"} for name in ("theirs", "second")]
    listed = {"name": "local", "owner": {"name": "x"}, "plugins": entries}
    (worktree / "market/.claude-plugin").mkdir()
    (worktree / "market/.claude-plugin/marketplace.json").write_text(json.dumps(listed))
    known = {"local": {"source": {"source": "directory", "path": str(worktree / "market")}}}
    settings = {"extraKnownMarketplaces": known, "enabledPlugins": {"theirs@local": True}}
    (worktree / ".claude/settings.json").write_text(json.dumps(settings))
    (worktree / ".claude/settings.local.json").write_text('{"enabledPlugins": {"second@local": true}}')
    plain = worktree / ".claude/skills/plain/SKILL.md"
    plain.parent.mkdir()
    plain.write_text("---\nname: plain\ndescription: An ordinary skill of theirs.\n---\nx\n")
    model.script = Script([Rule("worker", "Begin", [])])
    team.start("worker", "Begin.", plugins=[{"name": "mine", "path": str(own.relative_to(worktree))}])
    await until(lambda: team.hooks("worker", "TeammateIdle"))
    offered = json.dumps(model.bodies[0])
    assert "An ordinary skill of theirs." in offered, "their plain skills are offered as before"
    assert "lurking:closing" in offered and mark.read_text() == "lurking\n", (
        "once: the one that was asked for"
    )
    assert "theirs" not in offered.replace("skill of theirs", "") and "second:" not in offered


@pytest.mark.timeout(120)
async def test_a_team_s_plugin_of_a_configmap_reaches_its_agents(
    model: ScriptedModel, claude: str, tmp_path: Path
) -> None:
    mark = tmp_path / "mark"
    make_plugin(tmp_path / "made/finance", "finance", mark)
    archive = Path(make_archive(str(tmp_path / "plugin"), "gztar", tmp_path / "made")).read_bytes()
    model.script = Script(
        [
            Rule(
                "lead",
                "Begin",
                [
                    Call("Skill", {"skill": "finance:closing"}),
                    Call("mcp__kagents__finish", {"summary": "Counted twice."}),
                ],
            )
        ]
    )
    env = [{"name": "CLAUDE_CODE_MAX_RETRIES", "value": "1"}]
    async with engine_with_team(tmp_path, "closing", claude) as team:
        secret = {"metadata": {"name": "key"}, "stringData": {"ANTHROPIC_API_KEY": KEY}}
        packed = {"plugin.tar.gz": base64.b64encode(archive).decode()}
        kept = {"metadata": {"name": "finance"}, "binaryData": packed}
        await team.client.create(SECRETS, NAMESPACE, {"apiVersion": "v1", "kind": "Secret", **secret})
        await team.client.create(CONFIG_MAPS, NAMESPACE, {"apiVersion": "v1", "kind": "ConfigMap", **kept})
        manifest = {
            "apiVersion": "claude.amcheste.io/v1alpha1",
            "kind": "AgentTeam",
            "metadata": {"name": "closing"},
            "spec": {
                "workspace": {"output": {}},
                "auth": {"apiKeySecret": "key", "baseUrl": model.url},
                "plugins": [{"name": "books", "source": {"configMap": "finance"}}],
                "lead": {"prompt": "Begin.", "model": MODEL, "env": env},
            },
        }
        await team.client.create(AGENT_TEAMS, NAMESPACE, manifest)

        async def completed() -> bool:
            return bool((await team.status()).get("phase") == "Completed")

        await until(completed, 90)
        assert mark.read_text() == "finance\n"
        assert any("Count twice." in request.everything for request in model.requests)
        assert model.unexpected == []
