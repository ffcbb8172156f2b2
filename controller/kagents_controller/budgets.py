"""What the teams of each AgentBudget have spent, kept change by change: no event scans all teams.

Everything is known from the caches at once: a team that is looked at right after a change sees the budget
that this change has exceeded. Only namespaces with a budget cost anything.
"""

import asyncio
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime

from pydantic import ValidationError

from kagents_controller.caches import Caches, Packed, Recorded
from kagents_core.api.budget import AgentBudgetSpec, zone_of
from kagents_core.kube.store import Change, Key
from kagents_core.reconcile import Hold, Total
from kagents_core.reconcile.budget import exceeded, hold_of
from kagents_core.reconcile.periods import Span, span_of
from kagents_core.reconcile.spending import NOTHING, Account, Spent, account_of_team

_TOLD_SECONDS = 1.0
"""How long a change of numbers waits for others before its budget is looked at."""

Accounts = Mapping[str, Account]


class Tally:
    """One budget's sum over its teams in the present period."""

    def __init__(self, spec: AgentBudgetSpec, accounts: Accounts, now: datetime) -> None:
        self.spec = spec
        self._span = Span(now, now)
        self._spent: dict[str, tuple[Spent, bool]] = {}
        self._cost = self._tokens = 0
        self.roll(accounts, now)

    def roll(self, accounts: Accounts, now: datetime) -> None:
        """Count anew when another period has begun."""
        if self._span.has(now):
            return
        self._span = span_of(self.spec.period, zone_of(self.spec.time_zone), now)
        self._spent.clear()
        self._cost = self._tokens = 0
        for account in accounts.values():
            self.take(account.uid, account)

    def take(self, uid: str, account: Account | None) -> bool:
        """A team's account is another one now, or gone; True when that changes the sum."""
        spent = NOTHING
        if account is not None and account.hours and self.spec.selector.matches(account.labels):
            spent = account.within(self._span)
        before, _ = self._spent.pop(uid, (NOTHING, False))
        self._cost += spent.cost_micros - before.cost_micros
        self._tokens += spent.tokens - before.tokens
        if spent != NOTHING and account is not None:
            self._spent[uid] = spent, account.estimated
        return spent != before

    @property
    def exceeded(self) -> bool:
        """Whether nothing is left."""
        return exceeded(self.spec, Spent(self._cost, self._tokens))

    @property
    def total(self) -> Total:
        """The sum."""
        estimated = any(each for _, each in self._spent.values())
        return Total(self._span, Spent(self._cost, self._tokens), len(self._spent), estimated)


class Budgets:
    """Every budget's tally. ``changed`` hears of budgets to look at, ``concerned`` of their teams."""

    def __init__(
        self,
        caches: Caches,
        clock: Callable[[], datetime],
        changed: Callable[[Key], None],
        concerned: Callable[[Key], None],
    ) -> None:
        self._caches = caches
        self._clock = clock
        self._changed = changed
        self._concerned = concerned
        self._tallies: dict[str, dict[str, Tally]] = {}
        self._accounts: dict[str, dict[str, Account]] = {}
        """By namespace with a budget and by team UID; also of teams that are gone."""
        self._later: set[Key] = set()
        caches.budgets.subscribe(self._budgets_changed)
        caches.usages.subscribe(self._usages_changed)
        caches.teams.subscribe(self._teams_changed)

    def total(self, key: Key) -> Total | None:
        """What the teams of this budget have spent; None when there is no such budget that can be read."""
        tally = self._tallies.get(key[0], {}).get(key[1])
        if tally is None:
            return None
        self._roll(key, tally)
        return tally.total

    def holds(self, namespace: str, labels: Mapping[str, str]) -> tuple[Hold, ...]:
        """What exceeded budgets do to a team with these labels."""
        found = []
        for name, tally in sorted(self._tallies.get(namespace, {}).items()):
            self._roll((namespace, name), tally)
            if tally.exceeded and tally.spec.selector.matches(labels):
                found.append(hold_of(name, tally.spec, tally.total))
        return tuple(found)

    # ── changes ───────────────────────────────────────────────────────────────────────────────────────────

    def _budgets_changed(self, changes: Sequence[Change[Packed]]) -> None:
        for change in changes:
            namespace, name = change.key
            spec = _spec_of(change.new)
            tallies = self._tallies.setdefault(namespace, {})
            old = tallies.get(name)
            if old is not None and spec == old.spec:
                continue
            if spec is None:
                tallies.pop(name, None)
            else:
                if namespace not in self._accounts:
                    self._accounts[namespace] = {each.uid: each for each in self._read(namespace)}
                tallies[name] = Tally(spec, self._accounts[namespace], self._clock())
            for tally in (old, tallies.get(name)):
                if tally is not None and tally.exceeded:
                    self._concern(namespace, tally)
            if not tallies:
                self._tallies.pop(namespace)
                self._accounts.pop(namespace, None)

    def _teams_changed(self, changes: Sequence[Change[Packed]]) -> None:
        for change in changes:
            namespace = change.key[0]
            accounts = self._accounts.get(namespace)
            if accounts is None:
                continue
            if change.old is not None and change.kind != "modified":
                known = accounts.get(change.old.uid)
                # What it has spent counts on; its record, which says the same, is on its way.
                if known is not None and not known.hours:
                    self._put(namespace, change.old.uid, None)
            if change.new is not None:
                self._put(namespace, change.new.uid, account_of_team(change.new.unpack()))

    def _usages_changed(self, changes: Sequence[Change[Recorded]]) -> None:
        for change in changes:
            kept = change.new or change.old
            assert kept is not None
            uid = kept.account.uid
            if change.key[0] in self._accounts and self._caches.team_of(uid) is None:
                self._put(change.key[0], uid, change.new.account if change.new else None)

    def _put(self, namespace: str, uid: str, account: Account | None) -> None:
        accounts = self._accounts[namespace]
        if accounts.get(uid) == account:
            return
        if account is None:
            del accounts[uid]
        else:
            accounts[uid] = account
        for name, tally in self._tallies[namespace].items():
            before = tally.exceeded
            if tally.take(uid, account):
                self._tell_later((namespace, name))
            if tally.exceeded != before:
                self._flipped((namespace, name), tally)

    def _roll(self, key: Key, tally: Tally) -> None:
        before = tally.exceeded
        tally.roll(self._accounts[key[0]], self._clock())
        if tally.exceeded != before:
            self._flipped(key, tally)

    def _flipped(self, key: Key, tally: Tally) -> None:
        self._changed(key)
        self._concern(key[0], tally)

    def _concern(self, namespace: str, tally: Tally) -> None:
        """Every team of the budget has to be looked at: it is held back, or no longer."""
        for uid, account in self._accounts[namespace].items():
            team = self._caches.team_of(uid)
            if team is not None and tally.spec.selector.matches(account.labels):
                self._concerned(team)

    def _tell_later(self, key: Key) -> None:
        if key not in self._later:
            self._later.add(key)
            asyncio.get_running_loop().call_later(_TOLD_SECONDS, self._tell, key)

    def _tell(self, key: Key) -> None:
        self._later.discard(key)
        self._changed(key)

    def _read(self, namespace: str) -> Iterator[Account]:
        """Every account there is in a namespace that had no budget until now."""
        for key, recorded in self._caches.usages.items():
            if key[0] == namespace:
                yield recorded.account
        for key, team in self._caches.teams.items():  # last: what is alive replaces its record
            if key[0] == namespace:
                yield account_of_team(team.unpack())


def _spec_of(packed: Packed | None) -> AgentBudgetSpec | None:
    """The budget's spec; None for one that is gone or cannot be read: then it holds nobody, and says so."""
    if packed is None:
        return None
    try:
        return AgentBudgetSpec.model_validate(packed.unpack().get("spec") or {}, by_alias=True, by_name=False)
    except ValidationError:
        return None
