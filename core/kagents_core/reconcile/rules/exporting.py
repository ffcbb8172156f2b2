"""An export: while the team's annotation asks for one there is a pod for it, also after the team's end."""

from dataclasses import dataclass

from kagents_core.api.constants import ANNOTATION_EXPORT, EXPORT
from kagents_core.reconcile.children.export import export_pod
from kagents_core.reconcile.plan import Manifest, PodView
from kagents_core.reconcile.snapshot import Snapshot

_WISH_LENGTH = 63


@dataclass(frozen=True, slots=True)
class Exporting:
    """The pod that is missing, and those that nobody asks for any more."""

    create: tuple[Manifest, ...] = ()
    unwanted: tuple[PodView, ...] = ()


def exporting(snapshot: Snapshot) -> Exporting:
    """One pod a wish, which is any new value of the annotation; without a wish none stays."""
    wish = snapshot.annotations.get(ANNOTATION_EXPORT, "")[:_WISH_LENGTH]
    pods = snapshot.pods_of(EXPORT)
    if not wish:
        return Exporting(unwanted=tuple(pod for pod in pods if not pod.deleting))
    old = tuple(pod for pod in pods if pod.wish != wish and not pod.live and not pod.deleting)
    if any(pod.wish == wish for pod in pods):
        return Exporting(unwanted=old)
    number = pods[-1].attempt + 1 if pods else 0
    manifest = export_pod(snapshot.identity, snapshot.spec, snapshot.observed.settings, number, wish)
    return Exporting((manifest,), old)
