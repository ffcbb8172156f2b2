"""Changes outside an agent's scope, found before its branch is merged: named, taken out, or refused."""

from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from kagents_core.safetext import clean
from kagents_runner.prepare.git import Git
from kagents_runner.scope import Scope
from kagents_runner.termination import EXIT_NEEDS_A_PERSON, RunnerError

NAMED: Final = 20


async def outside(git: Git, bare: Path, head: str, tip: str, scope: Scope) -> list[str]:
    """Files that ``tip`` changes since it left ``head``, and that the scope does not allow."""
    names = await git.run(
        "diff", "--name-only", "-z", "--no-renames", "--no-ext-diff", f"{head}...{tip}", cwd=bare
    )
    return scope.violations(name for name in names.split("\0") if name)


def refuse(agent: str, files: Sequence[str]) -> RunnerError:
    """The end of a delivery whose spec says so."""
    shown = ", ".join(clean(name, limit=200, multiline=False) for name in files[:NAMED])
    return RunnerError(
        f"{agent} changed {len(files)} files outside its scope ({shown}), and scope.onViolation is fail: "
        "put them back on its branch in the team's volume, then retry.",
        code=EXIT_NEEDS_A_PERSON,
    )


async def revert(git: Git, bare: Path, head: str, tip: str, agent: str, files: Sequence[str]) -> str:
    """A commit on top of ``tip`` in which these files are as they were before; the same one every time."""
    before = (await git.run("merge-base", head, tip, cwd=bare)).strip()
    when = (await git.run("log", "-1", "--format=%cd", "--date=raw", tip, cwd=bare)).strip()
    with TemporaryDirectory(prefix="kagents-index-") as private:
        folder = str(Path(private) / "tree")
        Path(folder).mkdir()
        identity = {
            "GIT_DIR": str(bare),
            "GIT_WORK_TREE": folder,  # empty: update-index asks for one and looks at nothing in it
            "GIT_INDEX_FILE": str(Path(private) / "index"),
            "GIT_LITERAL_PATHSPECS": "1",
            "GIT_AUTHOR_NAME": "kagents",
            "GIT_AUTHOR_EMAIL": "kagents@kagents.invalid",
            "GIT_COMMITTER_NAME": "kagents",
            "GIT_COMMITTER_EMAIL": "kagents@kagents.invalid",
            "GIT_AUTHOR_DATE": when,
            "GIT_COMMITTER_DATE": when,
        }
        own = Git(git.environment, {**git.extra, **identity})
        await own.run("read-tree", tip, cwd=Path(folder))
        for name in files:
            entry = await own.run("ls-tree", "-z", before, "--", name, cwd=Path(folder))
            if entry:
                mode, _, rest = entry.partition(" ")
                _, _, identity_of = rest.partition(" ")
                sha = identity_of.split("\t", 1)[0]
                await own.run(
                    "update-index", "--add", "--cacheinfo", f"{mode},{sha},{name}", cwd=Path(folder)
                )
            else:
                await own.run("update-index", "--force-remove", "--", name, cwd=Path(folder))
        tree = (await own.run("write-tree", cwd=Path(folder))).strip()
        message = f"Take out what {agent} changed outside its scope"
        return (await own.run("commit-tree", "-p", tip, "-m", message, tree, cwd=Path(folder))).strip()
