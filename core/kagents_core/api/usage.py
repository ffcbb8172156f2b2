"""``AgentUsage``: what a team has cost. It outlives the team, and is never changed."""

from typing import Annotated, Any, Final, Literal

from pydantic import ConfigDict, Field, StringConstraints

from kagents_core.api.fields import Flag, Label
from kagents_core.api.model import Spec, map_list, rules
from kagents_core.api.spending import MOST_HOURS, MOST_MODELS, Count, HourUsage, ModelUsage
from kagents_core.api.status import Phase

RECORD_IS_FINAL: Final = "a record of usage is never changed"

_Short = Annotated[str, StringConstraints(max_length=64)]
_Time = Annotated[str, StringConstraints(max_length=40)]


class AgentUsageSpec(Spec):
    """The record. Written once, when the team has ended or was deleted."""

    model_config = ConfigDict(json_schema_extra=rules(("self == oldSelf", RECORD_IS_FINAL)))

    team: Label
    """Name of the team."""
    uid: Annotated[str, StringConstraints(min_length=1, max_length=64)]
    """UID of the team: another team of the same name has a record of its own."""
    labels: Annotated[dict[str, Annotated[str, StringConstraints(max_length=63)]], Field(max_length=256)] = (
        Field(default_factory=dict)
    )
    """The team's labels, so that what selects teams selects their records."""
    phase: Phase = "Pending"
    """The last that was known of it; one that is not an end means that the team was deleted before."""
    started_at: _Time | None = None
    """When its first pod was made."""
    ended_at: _Time
    """When it reached its last phase, or was deleted."""
    cost: _Short
    """US dollars with two decimals."""
    cost_micros: Count
    """The same in micro-dollars (millionths of a US dollar)."""
    estimated: Flag
    """True when figures come from transcripts and not from a gateway."""
    prices: _Short | None = None
    """Version of the price table."""
    requests: Count = 0
    """Requests to models."""
    input_tokens: Count = 0
    """Tokens sent to models, cached ones apart."""
    output_tokens: Count = 0
    """Tokens that models wrote."""
    cache_read_tokens: Count = 0
    """Tokens read from prompt caches."""
    cache_write_tokens: Count = 0
    """Tokens written to prompt caches."""
    by_model: Annotated[
        tuple[ModelUsage, ...],
        Field(max_length=MOST_MODELS, json_schema_extra=map_list("agent", "model")),
    ] = ()
    """The same by agent and model."""
    hours: Annotated[
        tuple[HourUsage, ...], Field(max_length=MOST_HOURS, json_schema_extra=map_list("hour"))
    ] = ()
    """The same by hour of UTC."""


class AgentUsage(Spec):
    """What a team has cost: made by the controller at the team's end, kept when the team is gone."""

    api_version: str
    """``claude.amcheste.io/v1alpha1``."""
    kind: Literal["AgentUsage"]
    """``AgentUsage``."""
    metadata: dict[str, Any]
    """Kubernetes object metadata; the name is made from the team's name and UID."""
    spec: AgentUsageSpec
    """The record."""
