"""What the agents of a team make for others: declared, kept with a check sum, or missing with a reason."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from kagents_tui.rows.fields import mapping, sequence

State = Literal["kept", "missing", "ahead"]


@dataclass(frozen=True, slots=True)
class Artifact:
    """One artifact. Its texts come from the API server: clean them before they are shown."""

    agent: str
    name: str
    path: str
    state: State = "ahead"
    folder: bool = False
    files: int = 0
    size: int = 0
    sha256: str = ""
    problem: str = ""
    at: str = ""

    @property
    def source(self) -> str:
        """As ``kagents cp`` and ``inputs[].from`` name it."""
        return f"{self.agent}/{self.name}"

    @property
    def base(self) -> str:
        """The name of the file or folder itself."""
        return self.path.rpartition("/")[2]


def artifacts_of(team: Mapping[str, Any]) -> list[Artifact]:
    """Every artifact of a team, in the order of its agents, those that are still to be made too."""
    told = {
        (str(each.get("agent")), str(each.get("name"))): each
        for each in map(mapping, sequence(mapping(team.get("status")).get("artifacts")))
    }
    found = [
        _artifact(agent, each, told.pop((agent, str(each.get("name"))), None))
        for agent, each in _declared(team)
    ]
    return found + [_artifact(str(each.get("agent")), each, each) for each in told.values()]


def _declared(team: Mapping[str, Any]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    spec = mapping(team.get("spec"))
    lead = mapping(spec.get("lead"))
    teammates = [(str(each.get("name")), each) for each in map(mapping, sequence(spec.get("teammates")))]
    for agent, declared in [("lead", lead), *teammates]:
        for each in map(mapping, sequence(declared.get("artifacts"))):
            yield agent, each


def _artifact(agent: str, declared: Mapping[str, Any], told: Mapping[str, Any] | None) -> Artifact:
    name, path = str(declared.get("name")), str(declared.get("path"))
    if told is None:
        return Artifact(agent, name, path)
    at = str(told.get("at") or "")
    if told.get("problem"):
        return Artifact(agent, name, path, "missing", problem=str(told["problem"]), at=at)
    return Artifact(
        agent,
        name,
        path,
        "kept",
        told.get("folder") is True,
        _number(told.get("files")),
        _number(told.get("size")),
        str(told.get("sha256") or ""),
        at=at,
    )


def _number(value: object) -> int:
    return value if isinstance(value, int) else 0


def starts_after(declared: Mapping[str, Any]) -> list[str]:
    """Whom a declared teammate waits for: those in ``dependsOn``, and those whose artifacts it takes."""
    makers = [str(mapping(each).get("from")).partition("/")[0] for each in sequence(declared.get("inputs"))]
    return list(dict.fromkeys([*map(str, sequence(declared.get("dependsOn"))), *makers]))
