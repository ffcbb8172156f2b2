"""The real CLI with a scope: told, refused while it edits, sent back when a command of its own strayed."""

from collections.abc import Callable

from scripted_model import Call, Rule, Script, ScriptedModel
from small_team import SmallTeam, git, until

MakeTeam = Callable[..., SmallTeam]


def write(path: object, text: str) -> Call:
    return Call("Write", {"file_path": str(path), "content": text})


async def test_edits_outside_the_scope_are_refused_and_told(
    small_team: MakeTeam, model: ScriptedModel
) -> None:
    team = small_team("worker")
    tree = team.worktree("worker")
    model.script = Script(
        [Rule("worker", "Begin", [write(tree / "src/a.py", "a\n"), write(tree / "b.py", "b\n")])]
    )
    team.start("worker", "Begin.", scope={"include": ["src/"], "exclude": []})
    await until(lambda: team.hooks("worker", "TeammateIdle"))
    assert (tree / "src/a.py").read_text() == "a\n"
    assert not (tree / "b.py").exists()
    assert any("b.py is outside your scope" in told for told in model.requests[-1].results)
    assert model.unexpected == []


async def test_a_command_that_strays_is_sent_back_once(small_team: MakeTeam, model: ScriptedModel) -> None:
    team = small_team("worker")
    tree = team.worktree("worker")
    stray = Call("Bash", {"command": "echo x > stray.txt", "description": "stray"})
    back = Call("Bash", {"command": "rm stray.txt", "description": "put back"})
    model.script = Script([Rule("worker", "Begin", [stray]), Rule("worker", "outside your scope", [back])])
    team.start("worker", "Begin.", scope={"include": ["src/"], "exclude": []})
    await until(lambda: team.hooks("worker", "TeammateIdle"))
    assert not (tree / "stray.txt").exists()
    assert git(tree, "status", "--porcelain") == ""
