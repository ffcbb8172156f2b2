"""What an agent has changed in its worktree, as the hub computes it; and as lines for a person."""

from collections.abc import Mapping
from contextlib import aclosing
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from kagents_core.safetext import SafeText, clean
from kagents_tui.acts import TERMINAL, ActError
from kagents_tui.rows.cells import Tone
from kagents_tui.rows.fields import line, mapping, whole

if TYPE_CHECKING:
    from kagents_core.kube.client import Client

MOST_FILES: Final = 2_000
MOST_CHARACTERS: Final = 16 * 1024 * 1024
DIFF_SECONDS: Final = 120.0


@dataclass(frozen=True, slots=True)
class FileChange:
    """One file."""

    path: SafeText
    before: SafeText
    status: SafeText
    uncommitted: bool
    binary: bool
    additions: int
    deletions: int
    patch: SafeText
    cut: bool

    def title(self) -> SafeText:
        """Its name, and what became of it."""
        words = [str(self.path if not self.before else f"{self.before} -> {self.path}"), f"({self.status}"]
        if self.uncommitted and self.status != "untracked":
            words[-1] += ", in part uncommitted"
        words[-1] += ")"
        return line(" ".join(words), 1000)

    def numbers(self) -> SafeText:
        """``+12 -3``, or what it is instead of lines."""
        return line("binary" if self.binary else f"+{self.additions} -{self.deletions}")


@dataclass(slots=True)
class WorktreeDiff:
    """Everything that one agent has changed. ``raw`` is what the hub said, for programs."""

    agent: SafeText
    branch: SafeText
    base: SafeText
    head: SafeText
    omitted: int
    files: list[FileChange] = field(default_factory=list)
    raw: list[dict[str, Any]] = field(default_factory=list)

    def total(self) -> SafeText:
        """The whole in one line."""
        count = len(self.files) + self.omitted
        lines = f"+{sum(each.additions for each in self.files)} -{sum(each.deletions for each in self.files)}"
        loose = sum(each.uncommitted for each in self.files)
        more = f", {loose} with uncommitted changes" if loose else ""
        return line(f"{count} file{'' if count == 1 else 's'} {lines}{more}")


@dataclass(frozen=True, slots=True)
class DiffLine:
    """One line of a diff. ``anchor`` says that a ``file`` or a ``hunk`` begins here."""

    text: SafeText
    tone: Tone = "plain"
    anchor: str = ""


async def fetch(
    client: "Client", team: Mapping[str, Any], agent: str, *, patches: bool = True
) -> WorktreeDiff:
    """Asks the hub. Raises ActError with one plain sentence, ApiError when the server refuses."""
    import asyncio

    from kagents_tui.hub_lines import printed

    name, phase = team["metadata"]["name"], mapping(team.get("status")).get("phase")
    if phase in TERMINAL:
        raise ActError(
            f"{name} has ended ({phase}): no pod of it runs to compare; the work of {agent} is on the branch "
            f"kagents/{name}/{agent} of the clone in the team's volume"
        )
    found: WorktreeDiff | None = None
    size = 0
    arguments = ["diff", "--agent", agent, *([] if patches else ["--stat"])]
    try:
        async with asyncio.timeout(DIFF_SECONDS), aclosing(printed(client, team, arguments)) as entries:
            async for entry in entries:
                size += len(str(entry.get("patch") or ""))
                if entry["kind"] == "diff":
                    found = _summary(entry)
                elif entry["kind"] == "file" and found is not None:
                    if len(found.files) < MOST_FILES and size <= MOST_CHARACTERS:
                        found.files.append(_file(entry))
                        found.raw.append(entry)
                    else:
                        found.omitted += 1
    except TimeoutError:
        raise ActError(f"the changes of {agent} were not computed within {DIFF_SECONDS:.0f} s") from None
    if found is None:
        raise ActError(f"the hub said nothing about the changes of {agent}")
    return found


def _summary(entry: Mapping[str, Any]) -> WorktreeDiff:
    agent, branch, base, head = (line(entry.get(name), 300) for name in ("agent", "branch", "base", "head"))
    return WorktreeDiff(agent, branch, base, head, whole(entry.get("omitted")))


def _file(entry: Mapping[str, Any]) -> FileChange:
    known = mapping(entry)
    patch = known.get("patch")
    return FileChange(
        path=line(known.get("path"), 1000),
        before=line(known.get("before"), 1000),
        status=line(known.get("status"), 40),
        uncommitted=known.get("uncommitted") is True,
        binary=known.get("binary") is True,
        additions=whole(known.get("additions")),
        deletions=whole(known.get("deletions")),
        patch=clean(patch if isinstance(patch, str) else "", limit=MOST_CHARACTERS),
        cut=known.get("cut") is True,
    )


def as_lines(diff: WorktreeDiff) -> list[DiffLine]:
    """The whole diff: a list of the files, then each with its hunks."""
    shown = [DiffLine(line(f"{diff.branch or 'no branch'} since {diff.base[:12]}: {diff.total()}"), "strong")]
    if not diff.files:
        return [*shown, DiffLine(line("Nothing has been changed."), "dim")]
    widest = max(len(each.numbers()) for each in diff.files)
    shown += [DiffLine(line(f"  {each.numbers():<{widest}}  {each.title()}")) for each in diff.files]
    if diff.omitted:
        shown.append(DiffLine(line(f"  {diff.omitted} more files are not shown"), "warn"))
    for each in diff.files:
        shown += [DiffLine(line("")), DiffLine(line(f"{each.title()}  {each.numbers()}"), "strong", "file")]
        shown += _hunks(each)
    return shown


def _hunks(change: FileChange) -> list[DiffLine]:
    found = []
    for text in change.patch.split("\n") if change.patch else ():
        if text:
            found.append(_hunk_line(text.expandtabs(4)))
    if change.cut:
        found.append(DiffLine(line("more was changed than is shown here"), "warn"))
    return found


def _hunk_line(text: str) -> DiffLine:
    shown = line(text, 8192)
    if text.startswith("@@"):
        return DiffLine(shown, "accent", "hunk")
    tones: dict[str, Tone] = {"+": "good", "-": "bad", "\\": "dim"}
    return DiffLine(shown, tones.get(text[0], "plain"))
