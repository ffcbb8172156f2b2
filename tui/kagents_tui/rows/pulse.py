"""The whole cluster in a few lines: teams by phase, agents by what they do, money, tasks, mail, who waits."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from kagents_core.safetext import SafeText
from kagents_tui.rows.ages import age, span
from kagents_tui.rows.cells import EMPTY, Cell, Column, Scene, Tone, cell
from kagents_tui.rows.counting import POINTS, Count, Session
from kagents_tui.rows.curves import bar, spark
from kagents_tui.rows.fields import line
from kagents_tui.rows.teams import PHASE_ORDER, Key, money, phase_tone

BAR: Final = 16
AGENT_STATES: Final[tuple[tuple[str, str, Tone], ...]] = (
    ("working", "working", "good"),
    ("idle", "idle", "plain"),
    ("waiting-permission", "asking", "warn"),
    ("starting", "starting", "accent"),
    ("failed", "failed", "bad"),
)
"""States that an agent's own signals tell, the word for each, its tone."""


@dataclass(frozen=True, slots=True)
class Gauge:
    """One line of the pulse. ``leads`` is the filter of the teams it counts, or the key of one team."""

    key: str
    name: SafeText
    value: SafeText
    part: float
    """Of all, for the bar; negative without one."""
    curve: tuple[float, ...]
    about: SafeText
    tone: Tone = "plain"
    leads: str | Key | None = None


def gauges(session: Session, now: datetime) -> list[Gauge]:
    """The lines of the pulse, the same at every moment except for phases and states that nobody is in."""
    counted = session.now
    if counted is None:
        return []
    return [
        *team_gauges(counted, session),
        *agent_gauges(counted, session),
        *flow_gauges(counted, session, now),
        *waiting_gauges(counted, session, now),
    ]


def curve(session: Session, name: str) -> tuple[float, ...]:
    """The points of a curve."""
    series = session.curves.get(name)
    return tuple(series.values[-POINTS:]) if series else ()


def gauge(key: str, name: str, value: object, part: float, points: tuple[float, ...], **more: Any) -> Gauge:
    """A line, its texts made harmless."""
    about = line(more.pop("about", ""))
    return Gauge(key, line(name), line(value), part, points, about, **more)


def team_gauges(counted: Count, session: Session) -> list[Gauge]:
    """All teams, then by phase."""
    found = [gauge("teams", "teams", counted.teams, -1, curve(session, "teams"), tone="strong", leads="")]
    phases = [*(each for each in PHASE_ORDER if each in counted.phases)]
    phases += sorted(each for each in counted.phases if each not in PHASE_ORDER)
    for phase in phases:
        number = counted.phases[phase]
        points = curve(session, f"phase {phase}")
        part = number / max(1, counted.teams)
        found.append(
            gauge(f"phase {phase}", f"  {phase}", number, part, points, tone=phase_tone(phase), leads=phase)
        )
    return found


def agent_gauges(counted: Count, session: Session) -> list[Gauge]:
    """All agents of teams at work, then by what they say they do; the rest has not started or has ended."""
    found = [
        gauge("agents", "agents", counted.agents, -1, (), tone="strong", about="of teams that have not ended")
    ]
    told = 0
    for state, word, tone in AGENT_STATES:
        number = counted.states.get(state, 0)
        told += number
        if number or state in ("working", "idle"):
            points = curve(session, f"state {state}")
            part = number / max(1, counted.agents)
            found.append(gauge(f"state {state}", f"  {word}", number, part, points, tone=tone))
    rest = max(0, counted.agents - told)
    if rest:
        part = rest / max(1, counted.agents)
        found.append(gauge("rest", "  no sign", rest, part, (), tone="dim", about="not started, or ended"))
    return found


def flow_gauges(counted: Count, session: Session, now: datetime) -> list[Gauge]:
    """What flows: money, requests to models, messages, tasks."""
    hour, minute = timedelta(hours=1), timedelta(minutes=1)
    hourly, whole = session.rate("spent", hour), counted.flow
    since = f"of the last {span(min(timedelta(hours=1), now - session.began))}" if session.began else ""
    return [
        gauge(
            "spent",
            "spend an hour",
            money(round(hourly)) if hourly is not None else "?",
            -1,
            curve(session, "spent"),
            about=f"{money(whole.spent)} in all; {money(session.flow.spent)} {since}",
            tone="strong",
        ),
        gauge(
            "requests",
            "requests a minute",
            speed(session.rate("requests", minute)),
            -1,
            curve(session, "requests"),
            about=f"{whole.requests} to models in all",
        ),
        gauge(
            "messages",
            "messages a minute",
            speed(session.rate("messages", minute)),
            -1,
            curve(session, "messages"),
            about=f"{whole.messages} by agents in all",
        ),
        gauge(
            "tasks",
            "tasks an hour",
            speed(session.rate("tasks", hour)),
            whole.tasks / counted.tasks if counted.tasks else -1,
            curve(session, "tasks"),
            about=f"{whole.tasks} of {counted.tasks} done",
        ),
    ]


def speed(rate: float | None) -> str:
    """How fast something flows, in digits; a question mark until that is known."""
    return "?" if rate is None else f"{rate:.1f}"


def waiting_gauges(counted: Count, session: Session, now: datetime) -> list[Gauge]:
    """What lies unread, and what waits for a person."""
    unread_about, unread_leads, about, leads = "", None, "", None
    if counted.oldest_unread is not None:
        at, key = counted.oldest_unread
        unread_about, unread_leads = f"oldest {age(now, at)} in {key[0]}/{key[1]}", key
    if counted.oldest is not None:
        since, need, key = counted.oldest
        about, leads = f"oldest {age(now, since)}: {key[0]}/{key[1]} {need.text}", key
    return [
        gauge(
            "unread",
            "mail unread",
            counted.unread,
            -1,
            curve(session, "unread"),
            about=unread_about,
            leads=unread_leads,
        ),
        gauge(
            "waiting",
            "waits for a person",
            counted.waiting,
            -1,
            curve(session, "waiting"),
            about=about,
            leads=leads,
            tone="warn" if counted.waiting else "plain",
        ),
    ]


def bar_cell(shown: Gauge, scene: Scene) -> Cell:
    """Its part of the whole."""
    return EMPTY if shown.part < 0 else cell(bar(shown.part, 1.0, BAR, scene.symbols.levels), shown.tone)


def curve_cell(shown: Gauge, scene: Scene) -> Cell:
    """How it went over the session."""
    return cell(spark(shown.curve, POINTS, scene.symbols.levels), "accent")


def search_text(shown: Gauge) -> str:
    """What a filter looks at."""
    return f"{shown.name} {shown.about}"


COLUMNS: tuple[Column[Gauge], ...] = (
    Column("WHAT", lambda g, s: cell(g.name, g.tone), 12, 20),
    Column("NOW", lambda g, s: cell(g.value, "strong"), 5, 10, right=True),
    Column("PART", bar_cell, BAR, BAR, drop=2),
    Column("SESSION", curve_cell, 8, POINTS, drop=3),
    Column("ABOUT", lambda g, s: cell(g.about, "dim"), 16, 200, drop=1, grow=True),
)
