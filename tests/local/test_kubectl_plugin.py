"""``kubectl kagents``: the command as a plugin of the real kubectl, with its flags and its completion."""

import json
import os
import sys
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.kubectl

TEAM = """
apiVersion: claude.amcheste.io/v1alpha1
kind: AgentTeam
metadata: {name: NAME, namespace: default}
spec:
  harness: simulated
  workspace: {output: {}}
  lead: {prompt: Lead.}
  teammates:
    - {name: one, prompt: First.}
"""
PROGRAMS = {
    "kagents": "from kagents_tui.cli import main",
    "kubectl-kagents": "from kagents_tui.cli.kubectl import main",
    "kubectl_complete-kagents": "from kagents_tui.cli.kubectl import complete as main",
}


@pytest.fixture
def plugin(kubectl: Any, tmp_path: Path) -> Any:
    """kubectl with the plugin on its PATH, as an installation puts it there."""
    folder = tmp_path / "bin"
    folder.mkdir()
    for name, call in PROGRAMS.items():
        program = folder / name
        program.write_text(f"#!{sys.executable}\nimport sys\n{call}\nsys.exit(main())\n")
        program.chmod(0o755)
    kubectl.environment["PATH"] = f"{folder}{os.pathsep}{kubectl.environment['PATH']}"
    return kubectl


async def test_the_plugin_reads_with_flags_before_and_behind_the_verb(plugin: Any) -> None:
    await plugin("apply", "-f", "-", stdin=TEAM.replace("NAME", "demo"))
    assert "kubectl-kagents" in await plugin("plugin", "list")
    for arguments in (
        ("kagents", "agents", "demo", "-n", "default", "-o", "json"),
        ("kagents", "-n", "default", "agents", "demo", "-o", "json"),
        ("kagents", "agents", "-o", "json", "--context", "kagents-local", "-n", "default", "demo"),
    ):
        agents = json.loads(await plugin(*arguments))
        assert [each["agent"] for each in agents] == ["lead", "one"]
    assert json.loads(await plugin("kagents", "pulse", "-o", "json"))["teams"] == 1


async def test_the_plugin_keeps_the_exit_codes_and_complains_in_one_line(plugin: Any) -> None:
    ran = await plugin.run("kagents", "agents", "nobody", "-n", "default")
    assert (ran.code, ran.out, ran.err.count("\n")) == (3, "", 1)
    ran = await plugin.run("kagents", "bogus")
    assert ran.code == 2
    assert ran.err.startswith("kubectl kagents: ")


async def test_kubectl_completes_the_plugin_with_live_names(plugin: Any) -> None:
    for name in ("demo", "docs-sweep"):
        await plugin("apply", "-f", "-", stdin=TEAM.replace("NAME", name))
    words = (await plugin("__complete", "kagents", "mail", "-n", "default", "do")).splitlines()
    assert words[0].partition("\t")[0] == "docs-sweep"
    assert ":4" in words
    agents = (await plugin("__complete", "kagents", "send", "-n", "default", "demo", "")).splitlines()
    assert [each.partition("\t")[0] for each in agents[:2]] == ["lead", "one"]


async def test_bash_completes_live_names(plugin: Any, tmp_path: Path) -> None:
    import asyncio

    await plugin("apply", "-f", "-", stdin=TEAM.replace("NAME", "docs-sweep"))
    script = """
    source <(kagents completion bash)
    COMP_WORDS=(kagents -n default mail do); COMP_CWORD=4; _kagents
    printf '%s\\n' "${COMPREPLY[@]}"
    """
    process = await asyncio.create_subprocess_exec(
        "bash", "--norc", "-c", script, env=plugin.environment,
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    async with asyncio.timeout(60):
        out, err = await process.communicate()
    assert (out.split(), err) == ([b"docs-sweep"], b"")
