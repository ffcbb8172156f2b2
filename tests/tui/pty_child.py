"""Runs the terminal on the sample cluster where it is started: ``pty_child.py plain`` or another kind.

``stuck`` never connects; of ``unheard`` no hub ever answers a command. ``hostile`` puts every text of the
corpus into every field that an agent, a file or a server may fill. ``failing`` has a fault: any key ends it.
"""

import asyncio
import json
import sys
import time
from datetime import UTC, datetime
from pathlib import Path

from kagents_tui.app import KagentsApp
from kagents_tui.ending import run
from kagents_tui.sample import data
from kagents_tui.sample.cluster import SampleCluster, SampleConnector
from kagents_tui.session import Options

NOW = datetime(2026, 11, 21, 14, 10, tzinfo=UTC)
CORPUS = Path(__file__).parents[1] / "fixtures" / "hostile-text.json"


def poison(value, text):
    """Every text of an object that is not structure, with the hostile text behind it."""
    if isinstance(value, dict):
        return {name: each if name in KEPT else poison(each, text) for name, each in value.items()}
    if isinstance(value, list):
        return [poison(each, text) for each in value]
    return f"{value}{text}" if isinstance(value, str) else value


KEPT = (
    "kind", "apiVersion", "seq", "at", "id", "written", "delivered", "seen", "status_", "uid", "namespace",
    "creationTimestamp", "startedAt", "since", "oldestUnreadAt", "from", "to", "agent", "owner", "lifecycle",
    "pendingApproval", "podName", "blockedBy",
)  # fmt: skip


def sample(text):
    """The sample cluster with a text in every field."""
    teams = data.teams(NOW)
    journal = data.journal(NOW)
    if text:
        for team in teams:
            name = team["metadata"]["name"]
            for part in ("spec", "status"):
                team[part] = poison(team[part], text) | {
                    key: team[part][key]
                    for key in ("phase", "lead", "teammates")
                    if key in team[part] and part == "status"
                }
            for teammate in team["spec"]["teammates"]:
                teammate["name"] = teammate["name"].replace(text, "")
            team["metadata"]["annotations"] = {"note": text}
            team["metadata"]["name"] = name
        journal = [poison(entry, text) for entry in journal]
        journal += [
            {
                "kind": "message",
                "seq": 100,
                "id": "h1",
                "from": f"lead{text}",
                "to": f"worker{text}",
                "type": f"x{text}",
                "text": text * 3,
                "summary": text,
            },
            {"kind": "malformed", "seq": 101, "source": text, "reason": text, "excerpt": text},
            {"kind": "activity", "seq": 102, "agent": "lead", "state": "working", "detail": text},
        ]
    return SampleCluster(
        teams,
        {"auth-refactor": journal},
        (data.LOG + text * 3 + "\n" + text).encode("utf-8", "surrogatepass"),
        events=[
            {
                "metadata": {"namespace": "dev-agents"},
                "type": "Normal",
                "reason": f"Why{text}",
                "message": text,
            }
        ],
    )


class UnheardCluster(SampleCluster):
    """Its hubs take every command and answer none."""

    async def exec(self, namespace, pod, command, **options):
        await asyncio.Event().wait()


class StuckConnector(SampleConnector):
    """A connection that is never made: a thread hangs, as in a name that does not resolve."""

    async def connect(self, context, tell):
        tell("resolving a name")
        await asyncio.to_thread(time.sleep, 600)


class FailingApp(KagentsApp):
    """It fails with words from outside, while a secret is at hand."""

    def on_key(self):
        token = "canary-of-a-variable"
        corpus = "".join(json.loads(CORPUS.read_text())).encode("utf-8", "replace").decode()
        raise RuntimeError(f"{corpus} sk-ant-api03-{'canary' * 5} {len(token)}")


def main():
    """Runs until the person quits."""
    corpus = "".join(json.loads(CORPUS.read_text())) if sys.argv[1] == "hostile" else ""
    # A surrogate cannot come over the wire; it reaches the terminal only from a log's broken bytes.
    cluster = sample(corpus.encode("utf-8", "replace").decode())
    if corpus:
        cluster.denied = {"delete agentteams"}
    if sys.argv[1] == "unheard":
        cluster = UnheardCluster(data.teams(NOW), {"auth-refactor": data.journal(NOW)})
    connector = (StuckConnector if sys.argv[1] == "stuck" else SampleConnector)(
        cluster, name="kind-dev" + corpus
    )
    kind = FailingApp if sys.argv[1] == "failing" else KagentsApp
    sys.exit(run(kind(connector, Options(), now=lambda: NOW), mouse=True))


if __name__ == "__main__":
    main()
