"""What git and repositories say: listings, patches, references, pushes, host keys, settings of plugins."""

import io
import json
from itertools import count
from typing import Any

from fuzzing.harness import Harness, demand, demand_harmless, finished

from harnesses.places import scratch, scratch_file
from kagents_runner.diff.changes import _listed, _with_patches
from kagents_runner.diff.large_files import _modified
from kagents_runner.diff.references import branch_of_head, commit_of
from kagents_runner.gitproxy import packets
from kagents_runner.harness.claude_code.plugins import foreign_plugins
from kagents_runner.harness.claude_code.servers import ServerLogs
from kagents_runner.outside import scope_state, told_outside
from kagents_runner.prepare.known_hosts import accepted
from kagents_tui import worktree


def _raw(data: bytes) -> None:
    """What ``git diff --raw --numstat -z`` prints is git's; the names in it are an agent's."""
    names = [each for each in data.decode("utf-8", "surrogateescape").split("\0") if each][:50]
    text = ""
    for name in names:
        text += f":100644 100644 {'1' * 40} {'0' * 40} M\0{name}\0"
    for name in names:
        text += f"3\t1\t{name}\0"
    found = _listed(text)
    demand({each.path for each in found} == set(names), "a name is read as another")
    for change in _with_patches(found, data.decode("utf-8", "replace")):
        demand(change.patch is not None or change.additions is None, "a change without its patch")
    _modified(text)


def _references(data: bytes) -> None:
    folder = scratch() / "git"
    (folder / "refs/heads").mkdir(parents=True, exist_ok=True)
    for name in ("HEAD", "packed-refs", "refs/heads/main"):
        (folder / name).write_bytes(data)
    branch_of_head(folder)
    for name in ("HEAD", "refs/heads/main", "refs/heads/other"):
        found = commit_of(name, folder)
        demand(found is None or len(found) in (40, 64), "what is no commit is taken for one")


def _push(data: bytes) -> None:
    stream = io.BytesIO(data)

    async def read(count: int) -> bytes:
        found = stream.read(count)
        if len(found) < count:
            raise EOFError
        return found

    try:
        beginning = finished(packets.read_beginning(read))
    except (packets.PacketError, EOFError):
        return
    demand(data.startswith(beginning.raw), "other bytes than came are given to git")
    for command in beginning.commands:
        demand("\0" not in command.name and "\n" not in command.name, "a name with an end in it")
    packets.report(beginning, ["no"] * len(beginning.commands))


def _report(data: bytes) -> None:
    command = packets.Command("0" * 40, "1" * 40, "refs/heads/a")
    for capabilities in (frozenset[str](), frozenset({"side-band-64k"})):
        packets.accepted(data, packets.Beginning((command,), capabilities, b""))


def _hosts(data: bytes) -> None:
    for sentence in accepted(scratch_file("known_hosts", data), frozenset()):
        demand_harmless(sentence, "a host key")


def _settings(data: bytes) -> None:
    folder = scratch() / "worktree" / ".claude"
    (folder / "skills/s/.claude-plugin").mkdir(parents=True, exist_ok=True)
    for name in ("settings.json", "settings.local.json", "skills/s/.claude-plugin/plugin.json"):
        (folder / name).write_bytes(data)
    json.dumps(foreign_plugins([folder, folder.parent]))


def _server_log(data: bytes) -> None:
    folder = scratch() / "cache" / "claude-cli-nodejs" / "-repo" / "mcp-logs-m"
    folder.mkdir(parents=True, exist_ok=True)
    logs = ServerLogs(scratch() / "cache", ("m",), str, clock=count(0, 1000).__next__)
    for each in folder.iterdir():
        each.unlink()
    (folder / "2026.jsonl").write_bytes(data)
    object.__setattr__(logs, "_old", frozenset())
    for _, why in (*logs.unreachable(), *logs.unreachable()):
        demand(isinstance(why, str), "no reason")


def _outside(data: bytes) -> None:
    home = scratch() / "home"
    path = scope_state(home) / "outside.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    for name in told_outside(home):
        demand(isinstance(name, str), "no name")


def _worktree(data: bytes) -> None:
    """What the hub says of a worktree, as the terminal shows it."""
    from kagents_tui import journal_stream

    diff: Any = None
    for text in data.split(b"\n"):
        entry = journal_stream.parse(text)
        if entry is None:
            continue
        if diff is None:
            diff = worktree._summary(entry)
        elif len(diff.files) < 50:
            diff.files.append(worktree._file(entry))
    if diff is not None:
        for each in worktree.as_lines(diff):
            demand_harmless(each.text, "a line of a diff")


_PUSH = (
    packets.packet(b"%b %b refs/heads/kagents/demo/a\0 report-status side-band-64k" % (b"0" * 40, b"1" * 40))
    + b"0000PACK"
)
_ANSWER = packets.packet(b"unpack ok\n") + packets.packet(b"ok refs/heads/a\n") + b"0000"
_DIFF = (
    b'{"kind":"changes","agent":"a","branch":"b","base":"c","head":"d","omitted":0}\n'
    b'{"kind":"file","path":"a.py","before":null,"status":"modified","additions":3,"deletions":1,"binary":false,'
    b'"patch":"@@ -1 +1 @@\\n-a\\n+b\\n","cut":false,"uncommitted":true}\n'
)
_LOG = b'{"debug":"Successfully connected"}\n{"error":"Server stderr: no"}\n{"debug":"Connection failed","error":"Connection failed: x"}\n'

HARNESSES = (
    Harness(
        "git-listing",
        "git's listings and patches",
        "diff.changes, diff.large_files",
        _raw,
        lambda: [b"a.py\0b\tc.txt\0d e\0:x", b"diff --git a/a b/a\n--- a/a\n+++ b/a\n@@ -1 +1 @@\n-a\n+b\n"],
        "bytes",
        (b"\0", b"\t", b"\ndiff --git ", b"\n@@ "),
    ),
    Harness(
        "git-references",
        "HEAD, references, packed-refs",
        "diff.references",
        _references,
        lambda: [
            b"ref: refs/heads/main\n",
            b"1" * 40 + b"\n",
            b"# pack-refs\n" + b"1" * 40 + b" refs/heads/other\n",
        ],
        "bytes",
        (b"ref: ", b"refs/heads/", b"../"),
    ),
    Harness(
        "push",
        "what an agent pushes",
        "gitproxy.packets",
        _push,
        lambda: [_PUSH],
        "bytes",
        (b"0000", b"0001", b"ffff"),
    ),
    Harness(
        "push-report",
        "what git says of a push",
        "gitproxy.packets.accepted",
        _report,
        lambda: [_ANSWER, packets.packet(b"\x01" + _ANSWER) + b"0000"],
        "bytes",
        (b"0000", b"0001"),
    ),
    Harness(
        "known-hosts",
        "host keys that ssh has written",
        "prepare.known_hosts",
        _hosts,
        lambda: [b"example.com ssh-ed25519 QUJDREVG\n"],
        "bytes",
    ),
    Harness(
        "plugin-settings",
        "a repository's settings of plugins",
        "claude_code.plugins",
        _settings,
        lambda: [b'{"enabledPlugins":{"a@b":true},"name":"p"}'],
        "json",
    ),
    Harness("server-log", "logs of MCP servers", "claude_code.servers", _server_log, lambda: [_LOG], "lines"),
    Harness("outside", "outside.json", "runner.outside", _outside, lambda: [b'["a","b"]'], "json"),
    Harness(
        "worktree", "what the hub says of a worktree", "tui.worktree", _worktree, lambda: [_DIFF], "lines"
    ),
)
