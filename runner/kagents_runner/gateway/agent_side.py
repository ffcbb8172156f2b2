"""The agent's side: where the CLI finds the model's API when the team has a gateway."""

from kagents_runner.documents import AgentDocument, TeamDocument
from kagents_runner.gateway.certificates import AGENT_FOLDER
from kagents_runner.gateway.relay import Hub, Relay
from kagents_runner.hub_certificate import CERTIFICATE
from kagents_runner.locations import Locations
from kagents_runner.termination import RunnerError


async def begin_relay(places: Locations, team: TeamDocument, agent: AgentDocument) -> Relay | None:
    """A relay that listens, for an agent that speaks to the model through the hub. Raises ``RunnerError``."""
    if team.gateway is None or agent.harness != "claude-code":
        return None
    hub = Hub(
        places.team_dir / "gateway",
        places.home_dir / AGENT_FOLDER / CERTIFICATE,
        places.hub_token_file,
    )
    relay = Relay(hub)
    try:
        await relay.start()
    except OSError as error:
        raise RunnerError(f"Nothing can listen on 127.0.0.1: {error.strerror or error}.") from error
    return relay
