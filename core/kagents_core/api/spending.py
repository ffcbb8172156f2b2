"""Tokens and money in parts: by agent and model, and by hour. Shared by a team's status and its record."""

from typing import Annotated, Final

from pydantic import Field, StringConstraints

from kagents_core.api.model import Status

MOST_MODELS: Final = 512
"""Pairs of agent and model that are told apart."""

MOST_HOURS: Final = 768
"""Hours that are told apart: 32 days, so a month and a day of any time zone."""

HOUR_PATTERN: Final = r"^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}$"

Hour = Annotated[str, StringConstraints(max_length=13, pattern=HOUR_PATTERN)]
"""An hour of UTC: ``2026-11-21T10``."""

Count = Annotated[int, Field(ge=0)]


class ModelUsage(Status):
    """What one agent has used of one model."""

    agent: Annotated[str, StringConstraints(max_length=63)]
    """Name of the agent."""
    model: Annotated[str, StringConstraints(max_length=256)]
    """The model as the provider names it."""
    input_tokens: Count = 0
    """Tokens sent to the model, cached ones apart."""
    output_tokens: Count = 0
    """Tokens that the model wrote."""
    cache_read_tokens: Count = 0
    """Tokens read from prompt caches."""
    cache_write_tokens: Count = 0
    """Tokens written to prompt caches."""
    requests: Count = 0
    """Requests to the model."""
    cost_micros: Count = 0
    """Micro-dollars (millionths of a US dollar)."""


class HourUsage(Status):
    """What was used in one hour."""

    hour: Hour
    """The hour, in UTC: ``2026-11-21T10``."""
    cost_micros: Count = 0
    """Micro-dollars of that hour."""
    tokens: Count = 0
    """Tokens of every kind in that hour."""
