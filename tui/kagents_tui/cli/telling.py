"""What a team's own object tells of agents, gates, delivery and artifacts: rows for tables and programs."""

from typing import Any

from kagents_tui.cli import tables
from kagents_tui.cli.options import Session

Object = dict[str, Any]


async def agents_of_team(session: Session, team: Object) -> list[Object]:
    """The agents as the status tells of them."""
    return tables.agents_of(team)


async def gates_of_team(session: Session, team: Object) -> list[Object]:
    """The gates and their states."""
    from kagents_tui.gate_states import gates_of

    return [{"event": gate.event, "state": gate.state, "teammate": gate.teammate} for gate in gates_of(team)]


async def delivery_of_team(session: Session, team: Object) -> list[Object]:
    """What became of the team's work: branch, commit, pull request; of others nothing."""
    import dataclasses

    from kagents_tui.delivery_states import delivery_of

    found = delivery_of(team)
    if found is None:
        return []
    row: Object = {"state": found.state, "action": found.action, "message": found.message or None}
    row |= {"branch": found.branch or None, "commit": found.commit or None}
    checks = dataclasses.asdict(found.checks) if found.checks else None
    request = {"url": found.url, "state": found.request or None, "checks": checks} if found.url else None
    return [row | {"pullRequest": request, "since": found.since or None}]


async def artifacts_of_team(session: Session, team: Object) -> list[Object]:
    """What its agents make, kept or missing or still ahead."""
    import dataclasses

    from kagents_tui.artifact_states import artifacts_of

    found = [(each, dataclasses.asdict(each)) for each in artifacts_of(team)]
    # A number or check sum of what is not there is no nought, but nothing.
    measured = ("folder", "files", "size")
    return [
        {
            key: None if value == "" or (key in measured and each.state != "kept") else value
            for key, value in row.items()
        }
        for each, row in found
    ]
