"""What an agent of the demonstration has said and done, from its team's journal: transcript, log, screen."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import orjson

from kagents_tui.sample.agentwork import FILES

Object = dict[str, Any]

RESULTS: Final = {
    "Bash": "exit code 0\n........................                    [100%]\n24 passed in 3.12s",
    "Read": "     1  # read as a whole\n     2  # 118 lines more",
    "Edit": "The file has been updated.",
    "Write": "The file has been written.",
}
SAID: Final = (
    "I look at what is there before I change anything.",
    "That fits. I go on with the next step and tell the lead once it holds.",
    "The smallest change that does it; the rest stays as it is.",
    "This is not what the comment says. I check it before I rely on it.",
    "Now the same for the case that nobody thinks of.",
    "It holds. On to the next one.",
    "I would rather see it run than believe it.",
)


@dataclass(frozen=True, slots=True)
class Said:
    """One turn: ``prompt``, ``mail``, ``said``, ``tool`` or ``result``."""

    what: str
    at: str
    text: str
    name: str = ""
    call: str = ""
    """Joins a tool's call and its result."""


def turns(agent: str, prompt: str, journal: Iterable[Mapping[str, Any]]) -> list[Said]:
    """The agent's turns, the oldest first."""
    found: list[Said] = []
    for entry in journal:
        if not found and entry.get("agent") == agent:
            found.append(Said("prompt", entry["at"], prompt))
        found += _of(agent, entry)
    return found


def _of(agent: str, entry: Mapping[str, Any]) -> Iterator[Said]:
    """The turns that an entry stands for."""
    kind, at = entry["kind"], entry["at"]
    if kind == "activity" and entry["agent"] == agent and entry.get("detail"):
        yield from _tool(at, str(entry["detail"]), entry["seq"], asks=entry["state"] == "waiting-permission")
    elif kind == "message" and entry["from"] == agent:
        given = {"to": entry["to"], "summary": entry["summary"], "message": entry["text"]}
        yield Said("tool", at, orjson.dumps(given).decode(), "SendMessage", entry["id"])
        yield Said("result", at, f"sent to {entry['to']}", call=entry["id"])
    elif kind == "message" and entry["to"] == agent:
        yield Said("mail", at, entry["text"], entry["from"])
    elif kind == "task" and entry["task"]["owner"] == agent:
        given = {"taskId": entry["id"], "status": entry["task"]["status"]}
        call = f"task-{entry['seq']}"
        yield Said("tool", at, orjson.dumps(given).decode(), "TaskUpdate", call)
        yield Said("result", at, f"Updated task #{entry['id']}", call=call)


def _tool(at: str, detail: str, number: int, *, asks: bool) -> Iterator[Said]:
    name, _, rest = detail.replace(":", "", 1).partition(" ")
    if name not in RESULTS:
        yield Said("said", at, detail[:1].upper() + detail[1:] + ("" if detail.endswith("?") else "."))
        return
    yield Said("said", at, SAID[number % len(SAID)])
    key = "command" if name == "Bash" else "file_path"
    yield Said("tool", at, orjson.dumps({key: rest}).decode(), name)
    if not asks:
        yield Said("result", at, RESULTS[name])


def transcript(told: Sequence[Said], command: Sequence[str]) -> list[bytes]:
    """As ``kagents-runner transcript`` prints it."""
    places = [
        {
            "kind": "turn",
            "what": each.what,
            "at": each.at,
            "text": each.text,
            "name": each.name,
            "call": each.call,
        }
        | {"begin": number * 100, "end": number * 100 + 100}
        for number, each in enumerate(told)
    ]
    before = int(command[command.index("--before") + 1]) if "--before" in command else len(told) * 100 + 1
    after = int(command[command.index("--after") + 1]) if "--after" in command else 0
    last = int(command[command.index("--last") + 1]) if "--last" in command else len(told)
    shown = [each for each in places if after <= int(str(each["begin"])) < before][-last:]
    end = {"kind": "live" if "--follow" in command else "end", "offset": len(told) * 100}
    return [orjson.dumps(each) + b"\n" for each in (*shown, end)]


def log(told: Iterable[Said]) -> bytes:
    """The agent's container log, each line with the server's time."""
    lines = []
    for each in told:
        heads = {"prompt": "turn starts: ", "mail": f"mail from {each.name}: ", "tool": f"{each.name} "}
        words = heads.get(each.what, "  " if each.what == "result" else "")
        lines += [f"{each.at} {words}{text}" for text in each.text.splitlines()[:3]]
    return ("\n".join(lines) + "\n").encode()


def diff(team: str, agent: str) -> list[bytes]:
    """As ``kagents-runner diff`` prints it."""
    head = {"kind": "diff", "agent": agent, "branch": f"kagents/{team}/{agent}", "omitted": 0}
    head |= {"base": "3f2c1a0d" * 5, "head": "9be07711" * 5}
    common = {"kind": "file", "before": None, "binary": False, "uncommitted": False, "cut": False}
    shown = [common | dict(each) for each in FILES]
    return [orjson.dumps(each) + b"\n" for each in (head, *shown, {"kind": "end"})]


def screen(agent: str, told: Sequence[Said]) -> bytes:
    """What the agent's own terminal shows: the last turns, and a line to type on."""
    lines = [f"\x1b[1m{agent}\x1b[0m  (a demonstration: nobody reads what is typed here)", ""]
    for each in told[-8:]:
        mark = {"said": "*", "tool": f"* {each.name}", "result": "  "}.get(each.what, ">")
        lines += [f"{mark} {text}" for text in each.text.splitlines()[:3]]
    return ("\x1b[2J\x1b[H" + "\r\n".join([*lines, "", "> "])).encode()
