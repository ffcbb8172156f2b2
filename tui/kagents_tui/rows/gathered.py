"""How the journals of many teams stand, in a few cells and as a text: live, how old, not read and why."""

from collections.abc import Sequence
from typing import Final

from kagents_core.safetext import SafeText, clean
from kagents_tui.gathering import AGAIN_SECONDS, LIVE_TEAMS, READ_TEAMS, Gathering, Source
from kagents_tui.rows.ages import age
from kagents_tui.rows.cells import Cell, Scene, cell

WORDS: Final = {"waiting": "waits for its turn", "reading": "is being read", "live": "live", "ended": "ended"}


def standing_cells(gathering: Gathering, scene: Scene) -> list[Cell]:
    """What is read and what is not. Nothing that is old is called live."""
    symbols, found = scene.symbols, []
    to_go = sum(not each.known for each in gathering.in_state("waiting", "reading"))
    if to_go:
        found.append(cell(f"  reading, {teams(to_go)} to go", "dim"))
    live, old = gathering.in_state("live"), gathering.in_state("read")
    if live:
        found.append(cell(f"  {symbols.working} {len(live)} live", "good"))
    if old:
        since = age(scene.now, min(each.since for each in old)) or "0s"
        found.append(cell(f"  {len(old)} up to {since} old", "accent"))
    if ended := gathering.in_state("ended"):
        found.append(cell(f"  {len(ended)} ended", "dim"))
    lost = gathering.in_state("lost")
    if lost:
        found.append(cell(f"  {symbols.failed} {teams(len(lost))} not read: {lost[0].why}"[:90], "warn"))
    if gathering.left_out:
        words = f"  {teams(len(gathering.left_out))} left out: name namespaces or a label"
        found.append(cell(words, "warn"))
    if gathering.dropped:
        found.append(cell(f"  {gathering.dropped} older dropped", "dim"))
    return found


def teams(count: int) -> str:
    """``1 team``, ``3 teams``."""
    return f"{count} team{'' if count == 1 else 's'}"


def standing_text(gathering: Gathering, scene: Scene) -> SafeText:
    """Every team in a line of its own: those that cannot be read first, with the reason."""
    facts = [
        f"At most {LIVE_TEAMS} teams that have not ended are followed live; the others are read again every",
        f"{AGAIN_SECONDS:.0f} s, and a team that has ended is read once. {READ_TEAMS} teams are read at all.",
    ]
    if gathering.left_out:
        facts.append(f"Left out: {teams(len(gathering.left_out))}; name namespaces or a label to see them.")
    if gathering.dropped:
        facts.append(f"{gathering.dropped} older messages were dropped, there were too many.")
    sources = list(gathering.standing())
    return clean("\n".join([*facts, "", *lines(sources, scene)]), limit=200_000)


def lines(sources: Sequence[Source], scene: Scene) -> list[str]:
    """Name and standing of each source."""
    names = [f"{each.team.namespace}/{each.team.name}" for each in sources]
    wide = max(map(len, names), default=0)
    return [f"{name.ljust(wide)}  {stands(each, scene)}" for name, each in zip(names, sources, strict=True)]


def stands(source: Source, scene: Scene) -> str:
    """How a source stands, in words."""
    since = age(scene.now, source.since) or "0s"
    if source.state == "lost":
        shown = "; what is shown is older" if source.known else ""
        return f"not read for {since}: {source.why}{shown}"
    if source.state == "read":
        return f"read {since} ago"
    return WORDS[source.state]
