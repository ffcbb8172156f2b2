"""Sums over all teams for the metrics, kept up to date change by change: no page looks at all objects.

What is spent and restarted is counted up from when this controller started; a team that was there already
begins with what it had.
"""

from collections.abc import Callable, Mapping, Sequence

from kagents_controller.caches import Packed
from kagents_controller.team_facts import TOKEN_KINDS, TeamFacts
from kagents_core.kube.store import Change, Key, Store
from kagents_core.metrics import Metrics

_DOLLAR = 1_000_000


class TeamNumbers:
    """Listens to the teams' cache from when it is made."""

    def __init__(self, teams: Store[Packed], metrics: Metrics, now: Callable[[], float]) -> None:
        """``now``: seconds since 1970."""
        self._metrics, self._now = metrics, now
        self._phases: dict[tuple[str, ...], float] = {}
        self._teams: dict[str, int] = {}
        self._watched: dict[Key, TeamFacts] = {}
        """Of the teams that have not ended those that wait, have unread mail, or a budget."""
        teams.subscribe(self._changed)
        metrics.gauge("teams", lambda: {**self._phases})
        metrics.gauge("waiting_for_person", self._waiting)
        metrics.gauge("waiting_for_person_oldest_seconds", self._waiting_seconds)
        metrics.gauge("unread_messages", self._unread)
        metrics.gauge("unread_messages_oldest_seconds", self._unread_seconds)
        metrics.gauge("budget_share_highest", self._shares)

    def _changed(self, changes: Sequence[Change[Packed]]) -> None:
        for change in changes:
            old = None if change.old is None else change.old.facts
            new = None if change.new is None else change.new.facts
            same = change.old is not None and change.new is not None and change.old.uid == change.new.uid
            namespace = change.key[0]
            if new is not None:
                self._count_team(namespace, new, 1)
            if old is not None:
                self._count_team(namespace, old, -1)
            if old is not None and new is not None and same:
                self._grown(namespace, old, new)
            if new is not None and not new.over and (new.waiting or new.unread or new.share is not None):
                self._watched[change.key] = new
            else:
                self._watched.pop(change.key, None)

    def _count_team(self, namespace: str, facts: TeamFacts, step: int) -> None:
        key = namespace, facts.phase
        self._phases[key] = self._phases.get(key, 0) + step
        if not self._phases[key]:
            del self._phases[key]
        self._teams[namespace] = self._teams.get(namespace, 0) + step
        if not self._teams[namespace]:
            del self._teams[namespace]
            self._metrics.forget("namespace", namespace)

    def _grown(self, namespace: str, old: TeamFacts, new: TeamFacts) -> None:
        spent, restarts = new.cost_micros - old.cost_micros, new.restarts - old.restarts
        if spent > 0:
            self._metrics.count("spend_dollars_total", spent / _DOLLAR, namespace=namespace)
        if restarts > 0:
            self._metrics.count("agent_restarts_total", restarts, namespace=namespace)
        if new.models == old.models:
            return
        before = {model: (cost, tokens) for model, cost, tokens in old.models}
        for model, cost, tokens in new.models:
            cost_before, tokens_before = before.get(model, (0, (0,) * len(tokens)))
            if cost > cost_before:
                dollars = (cost - cost_before) / _DOLLAR
                self._metrics.count("model_spend_dollars_total", dollars, model=model)
            for kind, count, known in zip(TOKEN_KINDS, tokens, tokens_before, strict=True):
                if count > known:
                    self._metrics.count("tokens_total", count - known, model=model, kind=kind)

    # ── looked up when the page is read ───────────────────────────────────────────────────────────────────

    def _waiting(self) -> Mapping[tuple[str, ...], float]:
        found: dict[tuple[str, ...], float] = {}
        for (namespace, _), facts in self._watched.items():
            for each in facts.waiting:
                key = namespace, each.kind
                found[key] = found.get(key, 0) + each.count
        return found

    def _waiting_seconds(self) -> Mapping[tuple[str, ...], float]:
        since = [
            ((namespace, each.kind), each.since)
            for (namespace, _), facts in self._watched.items()
            for each in facts.waiting
        ]
        return self._ages(since)

    def _unread(self) -> Mapping[tuple[str, ...], float]:
        found: dict[tuple[str, ...], float] = {}
        for (namespace, _), facts in self._watched.items():
            found[(namespace,)] = found.get((namespace,), 0) + facts.unread
        return found

    def _unread_seconds(self) -> Mapping[tuple[str, ...], float]:
        return self._ages([((key[0],), facts.unread_since) for key, facts in self._watched.items()])

    def _ages(self, since: Sequence[tuple[tuple[str, ...], float]]) -> Mapping[tuple[str, ...], float]:
        found: dict[tuple[str, ...], float] = {}
        for key, moment in since:
            if moment:
                found[key] = max(found.get(key, 0.0), self._now() - moment, 0.0)
        return found

    def _shares(self) -> Mapping[tuple[str, ...], float]:
        found: dict[tuple[str, ...], float] = {}
        for (namespace, _), facts in self._watched.items():
            if facts.share is not None:
                found[(namespace,)] = max(found.get((namespace,), 0.0), facts.share)
        return found
