"""The real CLI with a scope: told, refused while it edits, sent back when a command of its own strayed."""

from collections.abc import Callable

from scripted_model import Call, Rule, Script, ScriptedModel
from small_team import SmallTeam, git, until

from kagents_runner.outside import told_outside

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


async def test_in_a_workspace_a_command_that_strays_is_sent_back_and_told(
    small_team: MakeTeam, model: ScriptedModel
) -> None:
    team = small_team("worker", cowork=True)
    folder = team.worktree("worker")
    stray = Call("Bash", {"command": "mkdir -p reports; echo x > stray.txt", "description": "stray"})
    model.script = Script(
        [
            Rule("worker", "Begin", [write(folder / "data.csv", "no"), stray]),
            Rule("worker", "while your commands ran", [write(folder / "reports/why.md", "it is needed")]),
        ]
    )
    worker = team.start("worker", "Begin.", scope={"include": ["reports/"], "exclude": []})
    await until(lambda: team.hooks("worker", "TeammateIdle"))
    assert "Change only these paths of your working directory: reports/." in str(model.bodies[0]["system"])
    assert (folder / "reports/why.md").exists() and not (folder / "data.csv").exists()
    assert told_outside(worker.context.home_dir) == ["stray.txt"]
    assert model.unexpected == []
