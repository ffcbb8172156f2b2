"""Changes in the caches become work: whose object it is, and what no longer has to be waited for."""

from collections.abc import Callable, Sequence

from kagents_controller.caches import Caches, OwnedClaim, OwnedPod, Packed
from kagents_controller.expectations import Expectations, Owner
from kagents_controller.workqueue import WorkQueue
from kagents_core.kube.store import Change


class Changes:
    """Listens to every cache from when it is made."""

    def __init__(
        self,
        caches: Caches,
        queue: WorkQueue[Owner],
        expectations: Expectations,
        forget: Callable[[str], None],
    ) -> None:
        """``forget`` hears the UID of each team that is gone or was replaced."""
        self._caches = caches
        self._queue = queue
        self._expectations = expectations
        self._forget = forget
        caches.teams.subscribe(self._teams_changed)
        caches.budgets.subscribe(lambda changes: self._owners_changed("AgentBudget", changes))
        caches.runs.subscribe(lambda changes: self._owners_changed("AgentTeamRun", changes))
        caches.templates.subscribe(self._templates_changed)
        caches.pods.subscribe(lambda changes: self._children_changed("Pod", changes))
        caches.claims.subscribe(lambda changes: self._children_changed("PersistentVolumeClaim", changes))

    def _owners_changed(self, kind: str, changes: Sequence[Change[Packed]]) -> None:
        for change in changes:
            owner = (kind, *change.key)
            self._expectations.saw_version(owner, self._caches.version(owner))
            self._queue.add(owner)

    def _teams_changed(self, changes: Sequence[Change[Packed]]) -> None:
        self._owners_changed("AgentTeam", changes)
        for change in changes:
            self._expectations.saw(("AgentTeam", *change.key))
            if change.old is not None and change.kind != "modified":
                self._forget(change.old.uid)
            if change.key in self._caches.runs:
                self._queue.add(("AgentTeamRun", *change.key))

    def _templates_changed(self, changes: Sequence[Change[Packed]]) -> None:
        self._owners_changed("AgentTeamTemplate", changes)
        for change in changes:
            for key in self._caches.runs_of_template(*change.key):
                self._queue.add(("AgentTeamRun", *key))

    def _children_changed(self, kind: str, changes: Sequence[Change[OwnedPod] | Change[OwnedClaim]]) -> None:
        for change in changes:
            self._expectations.saw((kind, *change.key))
            for value in (change.old, change.new):
                key = None if value is None else self._caches.team_of(value.owner)
                if key is not None:
                    self._queue.add(("AgentTeam", *key))
