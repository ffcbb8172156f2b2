"""A coding team whose work is to be delivered, for the tests of this folder."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

from forge_server import TOKEN, ForgeServer
from runner_places import LIMIT, Place, Ran, git


class Finishing:
    """A team whose work is to be delivered."""

    def __init__(self, place: Place, remote: Path) -> None:
        self.place, self.remote = place, remote
        self.wish: dict[str, Any] = {"branch": "kagents/demo", "order": ["backend", "tests", "lead"]}

    def work(self, agent: str, name: str, text: str, *, subject: str = "", commit: bool = True) -> None:
        """The agent writes a file, and commits it."""
        folder = self.place.work / "worktrees" / agent
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
        if commit:
            git(folder, "add", ".")
            git(folder, "commit", "-q", "-m", subject or f"Write {name}")

    def create_pr(self, forge: ForgeServer, **more: Any) -> None:
        """onComplete: create-pr, with the forge's token in a Secret of its own."""
        secret = self.place.root / "forge-secret"
        secret.mkdir(exist_ok=True)
        (secret / "GITHUB_TOKEN").write_text(TOKEN + "\n")
        self.place.variables["KAGENTS_FORGE_CREDENTIALS_DIR"] = str(secret)
        wanted = {"title": "Work", "target": "main", "provider": "github", "apiUrl": forge.url}
        self.wish["pullRequest"] = wanted | more

    def verb(self, name: str) -> Ran:
        self.place.variables["KAGENTS_FINISH"] = json.dumps(self.wish)
        return self.place.run(name)

    def merge(self) -> Ran:
        return self.verb("merge")

    def finish(self) -> Ran:
        return self.verb("finish")

    def finish_killed(self, forge: ForgeServer, at: int, *, once_done: bool) -> int:
        """``finish``, killed at this call to the forge; its exit code (-9, or 0 when it made fewer calls)."""
        self.place.variables["KAGENTS_FINISH"] = json.dumps(self.wish)
        command = [sys.executable, "-m", "kagents_runner", "finish"]
        quiet = subprocess.DEVNULL
        process = subprocess.Popen(command, env=self.place.environment(), stdout=quiet, stderr=quiet)
        forge.calls.clear()
        forge.kill, forge.kill_at, forge.kill_once_done = process.kill, at, once_done
        try:
            return process.wait(LIMIT)
        finally:
            forge.kill = None

    def outcome(self) -> dict[str, Any]:
        """Both verbs well, and what they tell the controller."""
        merged = self.merge()
        assert merged.code == 0, merged.err
        finished = self.finish()
        assert finished.code == 0, finished.err
        told: dict[str, Any] = json.loads(finished.sentence)
        return told

    def pushed(self, name: str) -> str:
        """A file as the remote's branch has it."""
        return git(self.remote, "show", f"{self.wish['branch']}:{name}")
