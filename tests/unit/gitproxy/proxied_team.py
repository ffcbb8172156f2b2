"""A prepared coding team whose git proxy runs as a program, and its agents' git as they would run it."""

import json
import os
import signal
import ssl
import subprocess
from pathlib import Path
from typing import Any

from runner_places import LIMIT, Place, until

from kagents_runner.documents import parse_agent, parse_team
from kagents_runner.gitproxy.agent_side import with_repository
from kagents_runner.hub_certificate import HOST
from kagents_runner.locations import Locations


class ProxiedTeam:
    """Agents ``lead`` and ``scout``, and the hub's proxy beside them."""

    def __init__(self, root: Path, url: str, access: str = "push", **repository: Any) -> None:
        root.mkdir()
        self.place = Place(root)
        self.place.repository = {"url": url, "branch": "main", "worktreeStrategy": "per-teammate"}
        self.place.repository |= {"agentAccess": access, **repository}
        self.process: subprocess.Popen[str] | None = None
        self.log = root.parent / "proxy.log"

    def start(self) -> None:
        """Prepare, as the hub does whenever its pod starts, and serve."""
        for name in ("over", "team/git"):
            (self.place.root / name).mkdir(exist_ok=True)
        self.place.variables |= {
            "KAGENTS_OVER_DIR": str(self.place.root / "over"),
            "KAGENTS_GIT_PROXY_DIR": str(self.place.root / "team/git"),
        }
        self.place.prepare()
        address = self.place.root / "team/git/address"
        address.unlink(missing_ok=True)
        self.process = self.place.start("git-proxy", "lead")
        until(lambda: address.exists() or self.process is None or self.process.poll() is not None)
        assert address.exists(), self.stop()

    def stop(self, number: int = signal.SIGKILL) -> str:
        """End it; what it has said."""
        if self.process is None:
            return ""
        self.process.send_signal(number)
        return self.ended()

    def ended(self) -> str:
        """What it said, once it has ended."""
        assert self.process is not None
        said = self.process.communicate(timeout=LIMIT)[0]
        assert "Traceback" not in said, said
        return said

    def tree(self, agent: str) -> Path:
        """The worktree of an agent."""
        return self.place.work / "worktrees" / agent

    def variables(self, agent: str) -> dict[str, str]:
        """What the agent's git is given."""
        places = Locations(self.place.environment(agent))
        mine = parse_agent(json.dumps(self.place.agent(agent)))
        given = with_repository(places, parse_team(json.dumps(self.place.team())), mine)
        own = {name: value for name, value in given.items() if not name.startswith("KAGENTS_")}
        return own | {"HOME": str(self.place.home(agent)), "LC_ALL": "C"}

    def git(self, agent: str, *arguments: str, **more: str) -> "subprocess.CompletedProcess[str]":
        """Git as the agent runs it, in its worktree."""
        return subprocess.run(
            ["git", *arguments],
            cwd=self.tree(agent),
            env=self.variables(agent) | more,
            capture_output=True,
            text=True,
            check=False,
            timeout=LIMIT,
        )

    def did(self, agent: str, *arguments: str) -> str:
        """The same, and it has to succeed."""
        ran = self.git(agent, *arguments)
        assert ran.returncode == 0, ran.stderr
        return ran.stdout.strip()

    def commit(self, agent: str, name: str, content: str = "x\n") -> str:
        """Something new on the agent's branch; its id."""
        (self.tree(agent) / name).write_text(content)
        self.did(agent, "add", name)
        self.did(agent, "commit", "--quiet", "-m", f"Add {name}")
        return self.did(agent, "rev-parse", "HEAD")

    def branch(self, agent: str) -> str:
        """What the agent may push."""
        return f"kagents/demo/{agent}"

    def token(self, agent: str) -> str:
        """What the agent proves itself with."""
        return (self.place.home(agent) / "git/token").read_text()

    @property
    def port(self) -> int:
        return int((self.place.root / "team/git/address").read_text().split()[1])

    def tls(self) -> ssl.SSLContext:
        """What an agent's client trusts."""
        return ssl.create_default_context(cafile=str(self.place.home("scout") / "git/ca.pem"))


def references(repository: Path) -> set[str]:
    """The names of all references."""
    told = subprocess.run(
        ["git", "for-each-ref", "--format=%(refname)"],
        cwd=repository,
        check=True,
        capture_output=True,
        text=True,
        env={"PATH": os.environ["PATH"]},
    )
    return set(told.stdout.split())


__all__ = ["HOST", "ProxiedTeam", "references"]
