"""From the caches to a plan: reads one object and what belongs to it, and asks the pure reconciler."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from pydantic import ValidationError

from kagents_controller.budgets import Budgets
from kagents_controller.caches import Caches
from kagents_controller.executor import Subject
from kagents_controller.pod_events import PodEvents
from kagents_core.api.budget import AgentBudget
from kagents_core.api.resources import AGENT_BUDGETS, AGENT_TEAM_RUNS, AGENT_TEAM_TEMPLATES, AGENT_TEAMS
from kagents_core.api.team import AgentTeam
from kagents_core.api.template import AgentTeamRun, AgentTeamTemplate
from kagents_core.api.validation import (
    FieldError,
    validate_budget,
    validate_run,
    validate_team,
    validate_template,
    without_nulls,
)
from kagents_core.kube.store import Key
from kagents_core.reconcile import (
    NotificationOutcome,
    Observed,
    ObservedBudget,
    ObservedRun,
    ObservedTemplate,
    Plan,
    Settings,
    reconcile_budget,
    reconcile_run,
    reconcile_team,
    reconcile_template,
    refuse_budget,
    refuse_team,
)
from kagents_core.reconcile.rules.conditions import condition
from kagents_core.reconcile.rules.report import CONTROLLER_FIELDS
from kagents_core.reconcile.times import to_text

_TEAM_FIELDS = frozenset(
    AgentTeam.model_fields["status"].annotation.model_fields[name].alias or name  # type: ignore[union-attr]
    for name in CONTROLLER_FIELDS
)


@dataclass(frozen=True, slots=True)
class Decision:
    """A subject and what should happen to it."""

    subject: Subject
    plan: Plan
    attempts: Mapping[str, int]
    """Delivery attempts that status records, by notification id."""
    sent: frozenset[str]
    """Notifications that status records as sent."""


class Planner:
    """Asks the reconciler about one object at a time. Remembers which generations it found valid."""

    def __init__(self, caches: Caches, settings: Settings, pod_events: PodEvents, budgets: Budgets) -> None:
        self._caches = caches
        self._budgets = budgets
        self._pod_events = pod_events
        self._settings = settings
        self._valid: dict[str, int] = {}

    def team(self, key: Key, now: datetime, outcomes: Mapping[str, NotificationOutcome]) -> Decision | None:
        """The plan for a team; None when it is gone."""
        packed = self._caches.teams.get(key)
        if packed is None:
            return None
        body = without_nulls(packed.unpack())
        subject = Subject(AGENT_TEAMS, body, _TEAM_FIELDS)
        uid, generation = packed.uid, body["metadata"].get("generation", 0)
        if self._valid.get(uid) != generation:
            reasons = _sentences(validate_team(body))
            if reasons and not _was_accepted(body, AgentTeam):
                return Decision(subject, refuse_team(body, reasons, now), {}, frozenset())
            self._valid[uid] = generation
        team = AgentTeam.model_validate(body)
        children = self._pod_events.explain(uid, self._caches.children(uid))
        holds = self._budgets.holds(key[0], body["metadata"].get("labels") or {})
        observed = Observed(team, children, now, self._settings, outcomes, holds)
        records = team.status.notifications
        return Decision(
            subject,
            reconcile_team(observed),
            {record.id: record.attempts for record in records},
            frozenset(record.id for record in records if record.state == "sent"),
        )

    def run(self, key: Key, now: datetime) -> Decision | None:
        """The plan for a run; None when it is gone."""
        packed = self._caches.runs.get(key)
        if packed is None:
            return None
        body = without_nulls(packed.unpack())
        subject = Subject(AGENT_TEAM_RUNS, body)
        reasons = _sentences(validate_run(body))
        if reasons and not _was_accepted(body, AgentTeamRun):
            return Decision(subject, refuse_team(body, reasons, now), {}, frozenset())
        run = AgentTeamRun.model_validate(body)
        template = self._read(AgentTeamTemplate, self._caches.templates, (key[0], run.spec.template_ref.name))
        team = self._read(AgentTeam, self._caches.teams, key)
        return Decision(subject, reconcile_run(ObservedRun(run, template, team, now)), {}, frozenset())

    def template(self, key: Key, now: datetime) -> Decision | None:
        """The plan for a template; None when it is gone."""
        packed = self._caches.templates.get(key)
        if packed is None:
            return None
        body = without_nulls(packed.unpack())
        subject = Subject(AGENT_TEAM_TEMPLATES, body)
        reasons = tuple(_sentences(validate_template(body)))
        try:
            template = AgentTeamTemplate.model_validate(body)
        except ValidationError:
            return Decision(subject, Plan(status=_unreadable(body, reasons, now)), {}, frozenset())
        plan = reconcile_template(ObservedTemplate(template, now), reasons)
        return Decision(subject, plan, {}, frozenset())

    def budget(self, key: Key, now: datetime) -> Decision | None:
        """The plan for a budget; None when it is gone."""
        packed = self._caches.budgets.get(key)
        if packed is None:
            return None
        body = without_nulls(packed.unpack())
        subject, total = Subject(AGENT_BUDGETS, body), self._budgets.total(key)
        reasons = _sentences(validate_budget(body))
        if reasons or total is None:
            return Decision(subject, refuse_budget(body, reasons, now), {}, frozenset())
        plan = reconcile_budget(ObservedBudget(AgentBudget.model_validate(body), total, now))
        return Decision(subject, plan, {}, frozenset())

    def forget(self, uid: str) -> None:
        """The object of this UID is gone."""
        self._valid.pop(uid, None)

    @staticmethod
    def _read(model: type[Any], store: Any, key: Key) -> Any:
        """Another object as a model; None when it is absent or not one that can be used."""
        packed = store.get(key)
        if packed is None:
            return None
        try:
            return model.model_validate(without_nulls(packed.unpack()))
        except ValidationError:
            return None


def _was_accepted(body: Mapping[str, Any], model: type[AgentTeam | AgentTeamRun]) -> bool:
    """Whether an earlier release with laxer rules took this, which goes on as long as it can be read."""
    if not (body.get("status") or {}).get("phase"):
        return False
    try:
        model.model_validate(body)
    except ValidationError:
        return False
    return True


def _sentences(errors: Sequence[FieldError]) -> list[str]:
    return [str(error) for error in errors]


def _unreadable(body: Mapping[str, Any], reasons: Sequence[str], now: datetime) -> dict[str, Any]:
    """The status of a template that is no template: the same condition, without a count."""
    generation = body["metadata"].get("generation", 0)
    before = {entry.get("type"): entry for entry in (body.get("status") or {}).get("conditions") or ()}
    old = before.get("Ready") or {}
    since = old.get("lastTransitionTime") if old.get("status") == "False" else None
    ready = condition("Ready", False, "ValidationFailed", "; ".join(reasons)).model_dump(
        by_alias=True, exclude_none=True
    )
    ready |= {"lastTransitionTime": since or to_text(now), "observedGeneration": generation}
    return {"ready": False, "observedGeneration": generation, "conditions": [ready]}
