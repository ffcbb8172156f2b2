"""The terminal's own files, and what programs write to a screen."""

import json
from typing import Any

from fuzzing.harness import Harness, demand, demand_harmless

from harnesses.places import ROOT, scratch, scratch_file
from kagents_core.detachkey import detach_byte
from kagents_core.safetext import clean, cut_to_width, width
from kagents_core.secretshapes import Mask, masked
from kagents_core.terminalfilter import TerminalFilter
from kagents_runner.terminal.frames import FrameError, Frames, frame
from kagents_runner.terminal.server import _hello
from kagents_tui.artifact_states import artifacts_of
from kagents_tui.configuration import SIZE_LIMIT, ConfigurationError, parse
from kagents_tui.container_log import _line
from kagents_tui.memory import Memory


def _configuration(data: bytes) -> None:
    try:
        parse(data[:SIZE_LIMIT], "config.yaml")  # a larger file is refused before it is read
    except ConfigurationError as error:
        demand_harmless(clean(str(error)), "an error")
        demand(len(str(error)) < 5000, "an endless sentence")


def _memory(data: bytes) -> None:
    path = scratch_file("memory.json", data)
    memory = Memory(path).load()
    demand_harmless(clean(str(memory.remark or "")), "a remark")
    for command in memory.commands:
        demand(isinstance(command, str), "a command that is no text")
    for each in scratch().glob("memory.*"):
        each.unlink()


def _text(data: bytes) -> None:
    text = data.decode("utf-8", "surrogateescape")  # as names of files and arguments are
    for multiline in (True, False):
        shown = clean(text, multiline=multiline)
        demand_harmless(shown, "a text")
        demand(multiline or "\n" not in shown, "two lines for one")
        short = cut_to_width(shown, 20)
        demand(width(short) <= 20, "wider than it may be")
    demand_harmless(_line(text[:2000]).text, "a line of a log")


def _screen(data: bytes) -> None:
    """Output of a program in a pod: only what draws reaches the terminal."""
    whole = TerminalFilter()
    let = whole.feed(data) + whole.ending()
    _only_drawing(let)
    pieces = TerminalFilter()
    found = b"".join(pieces.feed(data[at : at + 3]) for at in range(0, min(len(data), 3000), 3))
    _only_drawing(found)


_FORBIDDEN = (
    b"\x1b]",
    b"\x1bP",
    b"\x1b_",
    b"\x1b^",
    b"\x1bX",
    b"\x1b]52",
    b"\x1bc",
    b"\xc2\x9b",
    b"\xc2\x9d",
    b"\xc2\x90",
)


def _only_drawing(data: bytes) -> None:
    for each in _FORBIDDEN:
        demand(each not in data, f"{each!r} reaches the terminal")


def _masked(data: bytes) -> None:
    at_once = masked(data)
    demand(len(at_once) == len(data), "it has another length")
    demand(len(data) > 100_000 or masked(at_once) == at_once, "something is masked late")
    for size, count in ((97, 30), (4096, 100)):  # each piece looks back over what is kept
        part, pieces = data[: size * count], Mask()
        cut = [pieces.feed(part[at : at + size]) for at in range(0, len(part), size)]
        whole = b"".join(cut) + pieces.close()
        demand(len(whole) == len(part), "bytes are lost")


def _frames(data: bytes) -> None:
    reader, found = Frames(), []
    try:
        for at in range(0, len(data), 5):
            found += reader.feed(data[at : at + 5])
    except FrameError:
        return
    demand(
        data.startswith(b"".join(frame(kind, content) for kind, content in found)), "frames that nobody sent"
    )


def _greeting(data: bytes) -> None:
    try:
        demand(isinstance(_hello(data), bool), "neither")
    except FrameError:
        return


def _key(data: bytes) -> None:
    try:
        demand(len(detach_byte(data.decode("utf-8", "replace"))) <= 1, "more than one byte")
    except ValueError as error:
        demand_harmless(clean(str(error)), "an error")


def _artifacts(data: bytes) -> None:
    try:
        team: Any = json.loads(data)
    except (ValueError, RecursionError):
        return
    if isinstance(team, dict):
        for each in artifacts_of(team):
            demand(isinstance(each.size, int), "a size that is none")


def _settings() -> list[bytes]:
    return [
        b"theme: dark\ncolor: auto\nrefreshSeconds: 2\nkeys:\n  quit: [q, ctrl+q]\n  help: '?'\n",
        b"detachKey: ctrl-p\nascii: on\nthresholds:\n  stalled: 5m\n",
        b"{}",
    ]


def _hostile() -> list[bytes]:
    corpus = json.loads((ROOT / "tests/fixtures/hostile-text.json").read_bytes())
    found: list[bytes] = []

    def gather(value: Any) -> None:
        if isinstance(value, str):
            found.append(value.encode("utf-8", "replace"))
        elif isinstance(value, (list, dict)):
            for each in value.values() if isinstance(value, dict) else value:
                gather(each)

    gather(corpus)
    return found


_MEMORY = b'{"version":1,"contexts":{"dev":{"namespaces":["a"],"used":["a"]}},"commands":["teams"]}'
_SECRETS = b"key sk-ant-api03-AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA and ghp_0123456789012345678901234567890123456 end\n"
_TEAM = (
    b'{"spec":{"agents":[{"name":"one","artifacts":[{"name":"report","path":"docs/r.md"}]}]},"status":{"artifacts":'
    b'[{"agent":"one","name":"report","state":"Kept","files":1,"size":5,"sha256":"x"}]}}'
)

HARNESSES = (
    Harness(
        "configuration",
        "the terminal's settings, theme and keys",
        "tui.configuration, plain_yaml, keymap",
        _configuration,
        lambda: [*_settings(), b"[" * 3000, b"a: &a [*a]"],
        "yaml",
        (b"keys: ", b"theme: "),
    ),
    Harness("memory", "what the terminal remembers", "tui.memory", _memory, lambda: [_MEMORY], "json"),
    Harness("text", "any text on its way to a screen", "safetext, container_log", _text, _hostile, "bytes"),
    Harness(
        "screen",
        "a program's output on its way to a terminal",
        "terminalfilter",
        _screen,
        lambda: [*_hostile(), b"\x1b[?1049h\x1b[2;3Hhello\x1b[0m\x1b[?1049l"],
        "bytes",
        (b"\x1b[", b"\x1b]", b"\x1bP", b"\x1b\\", b"\x07", b"\x1b[?1049h", b"\xc2\x9b", b"52;c;QQ=="),
    ),
    Harness(
        "secrets",
        "texts in which secrets are masked",
        "secretshapes",
        _masked,
        lambda: [_SECRETS],
        "bytes",
        (b"sk-ant-", b"ghp_", b"-----BEGIN PRIVATE KEY-----\n", b"-----END PRIVATE KEY-----"),
    ),
    Harness(
        "frames",
        "frames between a viewer and an agent's terminal",
        "terminal.frames",
        _frames,
        lambda: [frame(b"o", b"hello") + frame(b"r", b"{}")],
        "bytes",
    ),
    Harness(
        "greeting",
        "a viewer's first word",
        "terminal.server",
        _greeting,
        lambda: [b'{"readOnly":false}'],
        "json",
    ),
    Harness("detach-key", "names of keys", "detachkey", _key, lambda: [b"ctrl-p", b"ctrl-]"], "bytes"),
    Harness(
        "artifacts",
        "artifacts in a team's status",
        "tui.artifact_states",
        _artifacts,
        lambda: [_TEAM],
        "json",
    ),
)
