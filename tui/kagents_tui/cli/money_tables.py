"""The tables of what is spent: tokens of a team, records of teams, budgets over several teams. Pure."""

from datetime import datetime

from kagents_tui.cli.tables import Column, Object, Table, aged, estimated, field, money


def _state(budget: Object, _: datetime) -> str:
    """What its conditions say, the worst first."""
    said = {each.get("type"): each.get("status") for each in budget.get("status", {}).get("conditions") or ()}
    named = (("InvalidSpec", "invalid"), ("Exceeded", "exceeded"), ("Warning", "80 %"))
    return next((word for kind, word in named if said.get(kind) == "True"), "ok" if said else "")


BUDGETS: Table[Object] = Table(
    (
        Column("NAME", field("metadata.name")),
        Column("PERIOD", field("spec.period")),
        Column("SPENT", estimated("status.spent", "status.estimated")),
        Column("LIMIT", money("spec.limit")),
        Column("TOKENS", field("status.tokens"), wide=True),
        Column("TOKEN LIMIT", field("spec.tokens"), wide=True),
        Column("STATE", _state),
        Column("THEN", field("spec.onExceeded", "block")),
        Column("TEAMS", field("status.teams", 0), wide=True),
        Column("ZONE", field("spec.timeZone", "UTC"), wide=True),
        Column("ENDS", field("status.periodEnd")),
        Column("AGE", aged("metadata.creationTimestamp")),
    )
)
RECORDS: Table[Object] = Table(
    (
        Column("TEAM", field("spec.team")),
        Column("PHASE", field("spec.phase")),
        Column("COST", estimated("spec.cost", "spec.estimated")),
        Column("REQUESTS", field("spec.requests", 0)),
        Column("PRICES", field("spec.prices"), wide=True),
        Column("UID", field("spec.uid"), wide=True),
        Column("NAME", field("metadata.name"), wide=True),
        Column("ENDED", aged("spec.endedAt")),
    )
)
USAGE: Table[Object] = Table(
    (
        Column("AGENT", field("agent")),
        Column("MODEL", field("model")),
        Column("REQUESTS", field("requests")),
        Column("INPUT", field("inputTokens")),
        Column("OUTPUT", field("outputTokens")),
        Column("CACHE READ", field("cacheReadTokens"), wide=True),
        Column("CACHE WRITE", field("cacheWriteTokens"), wide=True),
        Column(
            "COST", lambda row, _: f"{'~' if row['estimated'] else ''}${row['costMicros'] / 1_000_000:.4f}"
        ),
    ),
    team=True,
)
