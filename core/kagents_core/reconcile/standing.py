"""What holds whatever the phase: the volumes that a team needs, and what is to be said of it."""

from kagents_core.api.status import Condition
from kagents_core.reconcile.children.claims import claims
from kagents_core.reconcile.plan import Manifest
from kagents_core.reconcile.rules import conditions as say
from kagents_core.reconcile.rules.money import budget_warning, key_protected
from kagents_core.reconcile.snapshot import Snapshot


def standing(snapshot: Snapshot) -> list[Condition]:
    """What is to be said whatever the phase."""
    said = list(say.scopes_kept(snapshot.spec, snapshot.status.activity))
    said += say.artifacts_kept(snapshot.spec, snapshot.status.artifacts)
    return [*said, *budget_warning(snapshot), *key_protected(snapshot.spec)]


def said_before(snapshot: Snapshot, kind: str) -> list[Condition]:
    """The condition as it stands."""
    return [entry for entry in snapshot.status.conditions if entry.type == kind]


def missing_claims(snapshot: Snapshot) -> list[Manifest]:
    wanted = claims(snapshot.identity, snapshot.spec)
    return [claim for claim in wanted if snapshot.claim(claim["metadata"]["name"]) is None]
