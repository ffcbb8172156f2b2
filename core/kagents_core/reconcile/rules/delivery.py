"""The delivery of a coding team's work: one pod at a time, tried again, and at last handed to a person.

A failure that only a person can mend is not tried again by itself: the annotation ``retry-finish`` with a new
value does. Any other failure is tried a few times, further and further apart.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from kagents_core.api.constants import ANNOTATION_RETRY_FINISH, AWAITING_CHECKS, FINISH
from kagents_core.api.status import Condition
from kagents_core.reconcile.children.finish import finish_pod
from kagents_core.reconcile.plan import Manifest, PodView, Problem
from kagents_core.reconcile.roster import finish_gate
from kagents_core.reconcile.rules.agents import AgentState
from kagents_core.reconcile.rules.conditions import condition
from kagents_core.reconcile.rules.gates import decision
from kagents_core.reconcile.rules.mending import Mending, assess_mending
from kagents_core.reconcile.rules.outcome import Delivered, parse_outcome
from kagents_core.reconcile.snapshot import Snapshot

MOST_ATTEMPTS = 5
_LONGEST_DELAY = timedelta(minutes=5)
_RETRY_LENGTH = 63


@dataclass(frozen=True, slots=True)
class Delivery:
    """How far the delivery is, and what is to be done about it."""

    done: Delivered | None = None
    """The end of it."""
    made: Delivered | None = None
    """What is delivered already while its checks are waited for."""
    pod: PodView | None = None
    create: Manifest | None = None
    wake_at: datetime | None = None
    said: Condition | None = None
    mender: PodView | None = None
    """The lead, at work on a conflict."""


def delivers(snapshot: Snapshot, states: Sequence[AgentState]) -> bool:
    """Whether this team's work is pushed at its end: it has a repository, somebody worked, nobody said no."""
    spec = snapshot.spec
    if spec.repository is None or spec.lifecycle.on_complete not in ("create-pr", "push-branch"):
        return False
    if all(state.skipped for state in states):
        return False
    return finish_gate(spec) is None or decision(snapshot.annotations, FINISH) == "approved"


def delivering(snapshot: Snapshot) -> bool:
    """Whether only the delivery is not over yet: no clock and no budget ends that, it has ends of its own."""
    said = next((entry for entry in snapshot.status.conditions if entry.type == "Delivered"), None)
    return said is not None and (said.status == "False" or said.reason == AWAITING_CHECKS)


def assess_delivery(snapshot: Snapshot) -> Delivery:
    """Look for the delivery's pods; at most one may be alive."""
    pods = snapshot.pods_of(FINISH)
    done = next((pod for pod in pods if pod.phase == "Succeeded" or (pod.outcome and not pod.live)), None)
    if done:  # also when the wait for its checks was cut off
        return Delivery(done=parse_outcome(done.outcome, done.checks), pod=done)
    live = next((pod for pod in reversed(pods) if pod.live), None)
    if live and live.outcome:
        made = parse_outcome(live.outcome)
        return Delivery(made=made, pod=live, said=_awaiting(made))
    if live:
        return Delivery(pod=live, said=_in_progress(live.problem))
    return _next(snapshot, pods, _retry(snapshot))


def _next(snapshot: Snapshot, pods: Sequence[PodView], retry: str) -> Delivery:
    """The next attempt, now or later; or the word that a person is needed."""
    number = pods[-1].attempt + 1 if pods else 0
    failed = [pod for pod in pods if pod.retry == retry]
    if failed:
        last = failed[-1]
        mending = assess_mending(snapshot, last) if last.conflict else None
        if mending is not None and not mending.resolved:
            return _handed_over(last, mending)
        if mending is None and last.conflict:
            return Delivery(pod=last, said=_needs_attention(last))
        if last.needs_person or last.volume_full or len(failed) >= MOST_ATTEMPTS:
            return Delivery(pod=last, said=_needs_attention(last))
        due = snapshot.now if mending else _due(snapshot, last, len(failed))
        if due > snapshot.now:
            return Delivery(pod=last, wake_at=due, said=_again(last))
    manifest = finish_pod(
        snapshot.identity, snapshot.spec, snapshot.observed.settings, snapshot.agents, number, retry
    )
    return Delivery(create=manifest, said=_again(failed[-1]) if failed else _in_progress(None))


def _handed_over(conflict: PodView, mending: Mending) -> Delivery:
    if mending.given_up is not None:
        told = f"{mending.given_up}. {conflict.message}"
        return Delivery(pod=conflict, said=condition("Delivered", False, "NeedsAttention", told))
    said = condition("Delivered", False, "LeadResolves", f"the lead resolves it: {conflict.message}")
    return Delivery(
        pod=conflict, create=mending.create, wake_at=mending.wake_at, said=said, mender=mending.pod
    )


def _retry(snapshot: Snapshot) -> str:
    return snapshot.annotations.get(ANNOTATION_RETRY_FINISH, "")[:_RETRY_LENGTH]


def _due(snapshot: Snapshot, last: PodView, tried: int) -> datetime:
    delay: timedelta = snapshot.observed.settings.restart_delay * 2 ** (tried - 1)
    return (last.finished_at or snapshot.now) + min(delay, _LONGEST_DELAY)


def _in_progress(problem: Problem | None) -> Condition:
    if problem:
        reason = "".join(letter for letter in problem.reason if letter.isalnum()) or "Problem"
        return condition("Delivered", False, reason, f"{FINISH}: {problem.message or problem.reason}")
    return condition("Delivered", False, "Delivering")


def _awaiting(made: Delivered) -> Condition:
    return condition("Delivered", True, AWAITING_CHECKS, made.sentence)


def _again(pod: PodView) -> Condition:
    return condition(
        "Delivered", False, "DeliveryFailed", f"will be tried again: {pod.message or 'it failed'}"
    )


def _needs_attention(pod: PodView) -> Condition:
    return condition("Delivered", False, "NeedsAttention", pod.message or "the delivery failed")
