"""The controller's view of the cluster: one store a kind, slim where objects are many, and the reflectors."""

import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import orjson

from kagents_controller.expectations import Child
from kagents_controller.team_facts import TeamFacts, facts_of
from kagents_core.api.resources import (
    AGENT_BUDGETS,
    AGENT_TEAM_RUNS,
    AGENT_TEAM_TEMPLATES,
    AGENT_TEAMS,
    AGENT_USAGES,
    CLAIMS,
    PODS,
    Resource,
)
from kagents_core.kube.client import Client
from kagents_core.kube.packed import packed
from kagents_core.kube.reflector import Reflector
from kagents_core.kube.store import Change, Key, Store
from kagents_core.reconcile import Children, ClaimView, PodView, claim_view, owner_uid, pod_view
from kagents_core.reconcile.spending import Account, account_of_record
from kagents_core.reconcile.times import from_text

CHILD_LABELS = "app.kubernetes.io/name=kagents"
_REMEMBERED_SECONDS = 40 * 86400.0
"""A month of a budget, and some days more."""

_PAGE_SIZE = 250
"""Objects a page: a page is parsed as a whole, and what is kept of it lies scattered between what is not."""


@dataclass(frozen=True, slots=True)
class Packed:
    """An object as JSON bytes: a fifth of the memory of the same dict, unpacked in some ten microseconds."""

    data: bytes
    uid: str
    refers_to: str | None
    """For a run: namespace and name of its template."""
    facts: TeamFacts | None = None
    """For a team: what metrics tell of it."""

    def unpack(self) -> dict[str, Any]:
        """The object, as a fresh copy."""
        body: dict[str, Any] = orjson.loads(self.data)
        return body


@dataclass(frozen=True, slots=True)
class OwnedPod:
    """A pod and the UID of its team."""

    owner: str
    view: PodView


@dataclass(frozen=True, slots=True)
class OwnedClaim:
    """A claim and the UID of its team."""

    owner: str
    view: ClaimView


@dataclass(frozen=True, slots=True)
class Recorded:
    """What a record of usage says of a team that has ended."""

    account: Account
    ended: float
    """Seconds of the epoch."""


def _pack(obj: dict[str, Any]) -> Packed:
    reference = (obj.get("spec") or {}).get("templateRef")
    template = None
    if isinstance(reference, Mapping):
        template = f"{obj['metadata'].get('namespace', '')}/{reference.get('name')}"
    return Packed(packed(obj), obj["metadata"]["uid"], template)


def _pack_team(obj: dict[str, Any]) -> Packed:
    return replace(_pack(obj), facts=facts_of(obj))


def _slim_pod(obj: dict[str, Any]) -> OwnedPod | None:
    owner = owner_uid(obj)
    return None if owner is None else OwnedPod(owner, pod_view(obj))


def _slim_claim(obj: dict[str, Any]) -> OwnedClaim | None:
    owner = owner_uid(obj)
    return None if owner is None else OwnedClaim(owner, claim_view(obj))


def _slim_usage(obj: dict[str, Any]) -> Recorded:
    """Hours that no period reaches back to are not kept: records are many and live long."""
    account = account_of_record(obj)
    told = (obj.get("spec") or {}).get("endedAt")
    ended = from_text(told) or from_text(obj["metadata"].get("creationTimestamp"))
    at = time.time() if ended is None else ended.timestamp()  # what tells no time is not taken for old
    if at < time.time() - _REMEMBERED_SECONDS:
        account = Account(account.uid, {}, (), estimated=False)
    return Recorded(account, at)


class Caches:
    """All stores, and what is asked of them together."""

    def __init__(self) -> None:
        self.templates: Store[Packed] = Store(_pack)
        self.runs: Store[Packed] = Store(_pack, index=lambda run: (run.refers_to,) if run.refers_to else ())
        self.budgets: Store[Packed] = Store(_pack)
        self.usages: Store[Recorded] = Store(_slim_usage)
        self.teams: Store[Packed] = Store(_pack_team)
        self.claims: Store[OwnedClaim] = Store(_slim_claim, index=lambda claim: (claim.owner,))
        self.pods: Store[OwnedPod] = Store(_slim_pod, index=lambda pod: (pod.owner,))
        self._owners: dict[str, Key] = {}
        self.teams.subscribe(self._remember_uids)

    def of(self, kind: str) -> Store[Any]:
        """The store of a kind."""
        stores: dict[str, Store[Any]] = {
            "AgentTeamTemplate": self.templates,
            "AgentTeamRun": self.runs,
            "AgentBudget": self.budgets,
            "AgentUsage": self.usages,
            "AgentTeam": self.teams,
            "PersistentVolumeClaim": self.claims,
            "Pod": self.pods,
        }
        return stores[kind]

    def children(self, uid: str) -> Children:
        """What the team of this UID owns."""
        return Children(
            tuple(pod.view for pod in self.pods.indexed(uid)),
            tuple(claim.view for claim in self.claims.indexed(uid)),
        )

    def team_of(self, uid: str) -> Key | None:
        """The team that has this UID."""
        return self._owners.get(uid)

    def version(self, child: Child) -> str | None:
        """The resourceVersion of a child as its cache has it."""
        kind, namespace, name = child
        return self.of(kind).version((namespace, name))

    def changed(self, child: Child) -> int:
        """How late this object or one of its children has changed: the larger, the later.

        Only to say what is looked at first: the versions of two kinds need not be of one count.
        """
        version, uid = self.version(child), self.of(child[0]).uid(child[1:])
        versions = [version or "", *(self.pods.versions(uid) if uid else ())]
        return max((int(each) for each in versions if each.isdecimal()), default=0)

    def runs_of_template(self, namespace: str, name: str) -> list[Key]:
        """The runs that refer to a template of their namespace."""
        found = self.runs.indexed(f"{namespace}/{name}")
        return [(namespace, run.unpack()["metadata"]["name"]) for run in found]

    def reflectors(self, client: Client, namespaces: Sequence[str] | None) -> list[list[Reflector[Any]]]:
        """Reflectors in groups that must be synced one after the other.

        Owners come before what they own, so that at first no owner is newer than the view of its children:
        a child made in between would be taken for one that is gone.
        """
        groups: list[list[tuple[Resource, Store[Any], str | None]]] = [
            [
                (AGENT_TEAM_TEMPLATES, self.templates, None),
                (AGENT_TEAM_RUNS, self.runs, None),
                (AGENT_BUDGETS, self.budgets, None),
                (AGENT_USAGES, self.usages, None),
            ],
            [(AGENT_TEAMS, self.teams, None)],
            [(CLAIMS, self.claims, CHILD_LABELS), (PODS, self.pods, CHILD_LABELS)],
        ]
        places: Iterable[str | None] = namespaces or (None,)
        return [
            [
                Reflector(client, resource, store, namespace=namespace, labels=labels, page_size=_PAGE_SIZE)
                for namespace in places
                for resource, store, labels in group
            ]
            for group in groups
        ]

    def _remember_uids(self, changes: Sequence[Change[Packed]]) -> None:
        for change in changes:
            if change.old is not None:
                self._owners.pop(change.old.uid, None)
            if change.new is not None:
                self._owners[change.new.uid] = change.key
