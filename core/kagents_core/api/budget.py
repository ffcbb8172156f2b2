"""``AgentBudget``: what the teams of a namespace may spend together in a day, a week or a month."""

from functools import lru_cache
from typing import Annotated, Any, Final, Literal, Self
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, ConfigDict, Field, StringConstraints, model_validator

from kagents_core.api.fields import Money, Whole, matching, text_schema
from kagents_core.api.model import Spec, Status, map_list, refusal, rules
from kagents_core.api.selectors import LabelSelector
from kagents_core.api.status import Condition

Period = Literal["day", "week", "month"]
OnExceeded = Literal["block", "stop"]

ZONE_PATTERN: Final = r"^[A-Z][A-Za-z0-9_+-]*(/[A-Z][A-Za-z0-9_+-]*){0,3}$"
ZONE_SENTENCE: Final = "a time zone is a name of the IANA database, such as UTC or Europe/Berlin"
NEEDS_LIMIT: Final = "a budget limits dollars or tokens: give limit, tokens or both"


@lru_cache(maxsize=64)
def zone_of(name: str) -> ZoneInfo:
    """The zone of that name. Raises ValueError with one plain sentence when there is none."""
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        raise ValueError(ZONE_SENTENCE) from None


def _known_zone(name: str) -> str:
    zone_of(name)
    return name


TimeZone = Annotated[
    str,
    StringConstraints(min_length=1, max_length=64),
    AfterValidator(matching(ZONE_PATTERN, ZONE_SENTENCE)),
    AfterValidator(_known_zone),
    text_schema(pattern=ZONE_PATTERN, longest=64),
]


class AgentBudgetSpec(Spec):
    """Which teams, how much, and what happens then."""

    model_config = ConfigDict(json_schema_extra=rules(("has(self.limit) || has(self.tokens)", NEEDS_LIMIT)))

    selector: LabelSelector = LabelSelector()
    """The teams that share the budget, by their labels; every team of the namespace when empty."""
    period: Period
    """How long the budget is for; it begins at midnight, a week on Monday, a month on its first day."""
    time_zone: TimeZone = "UTC"
    """The time zone of that midnight. An hour of UTC belongs to the period in which it begins."""
    limit: Money | None = None
    """US dollars that these teams may spend together in a period."""
    tokens: Annotated[Whole, Field(ge=1, le=10**15)] | None = None
    """Tokens of every kind that they may use together in a period."""
    on_exceeded: OnExceeded = "block"
    """``block``: no further agent starts, those that run go on. ``stop``: the teams are suspended too."""

    @model_validator(mode="after")
    def _has_limit(self) -> Self:
        if self.limit is None and self.tokens is None:
            raise refusal(NEEDS_LIMIT)
        return self


class AgentBudgetStatus(Status):
    """What was spent in the present period. Writer: controller."""

    spent: str | None = None
    """US dollars with two decimals."""
    cost_micros: int = 0
    """The same in micro-dollars (millionths of a US dollar)."""
    tokens: int = 0
    """Tokens of every kind."""
    estimated: bool = False
    """True when a part of it comes from transcripts and not from a gateway."""
    teams: int = 0
    """Teams that have used anything in this period, those that are gone included."""
    period_start: str | None = None
    """When the period began."""
    period_end: str | None = None
    """When it ends, and the count begins anew."""
    observed_generation: int | None = None
    """The generation of the spec that this status speaks of."""
    conditions: Annotated[tuple[Condition, ...], Field(json_schema_extra=map_list("type"))] = ()
    """``Exceeded``, and ``Warning`` from 80 % on."""


class AgentBudget(Spec):
    """What the teams of a namespace may spend together in a day, a week or a month."""

    api_version: str
    """``claude.amcheste.io/v1alpha1``."""
    kind: Literal["AgentBudget"]
    """``AgentBudget``."""
    metadata: dict[str, Any]
    """Kubernetes object metadata; the name is a DNS label of at most 63 characters."""
    spec: AgentBudgetSpec
    """Which teams, how much, and what happens then."""
    status: AgentBudgetStatus = AgentBudgetStatus()
    """What was spent; written by kagents alone."""
