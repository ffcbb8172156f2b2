"""What the controller has written and its caches do not show yet: until then, acting again would act twice.

After a pod was created, a cache without that pod says "the pod is gone", and the reconciler would replace it.
So an object is left alone until its cache has caught up, which normally takes milliseconds. If it takes
longer than the limit, the API server itself is asked (see ``staleness``), nothing is assumed.
"""

from collections.abc import Callable
from dataclasses import dataclass, field

Owner = tuple[str, str, str]
"""Kind, namespace and name of what is being reconciled."""

Child = tuple[str, str, str]
"""Kind, namespace and name of what was written."""

LIMIT_SECONDS = 5.0


@dataclass(slots=True)
class _Pending:
    since: float
    children: set[Child] = field(default_factory=set)
    version: str | None = None
    refused: str | None = None


class Expectations:
    """Writes that are on their way back. ``clock`` is monotonic, in seconds."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._pending: dict[Owner, _Pending] = {}
        self._owners: dict[Child, Owner] = {}

    def __len__(self) -> int:
        return len(self._pending)

    def expect(self, owner: Owner, child: Child) -> None:
        """A change of this child is about to be caused; call it before the request is sent."""
        self._of(owner).children.add(child)
        self._owners[child] = owner

    def expect_version(self, owner: Owner, version: str) -> None:
        """The owner itself was written and has this resourceVersion now."""
        self._of(owner).version = version

    def expect_newer(self, owner: Owner, version: str) -> None:
        """The server refuses to write to this resourceVersion of the owner: it has another one, or none."""
        self._of(owner).refused = version

    def saw(self, child: Child) -> Owner | None:
        """A change of this child has arrived, or its request failed; the owner, if nothing is missing now."""
        owner = self._owners.pop(child, None)
        if owner is None:
            return None
        pending = self._pending[owner]
        pending.children.discard(child)
        return self._settled(owner)

    def saw_version(self, owner: Owner, version: str | None) -> None:
        """The owner has arrived with this resourceVersion; None: it is gone."""
        pending = self._pending.get(owner)
        if pending is None:
            return
        if version is None or pending.version is None or not older(version, pending.version):
            pending.version = None
        if version is None or pending.refused is None or older(pending.refused, version):
            pending.refused = None
        self._settled(owner)

    def saw_all_of(self, owner: Owner) -> None:
        """The owner in the cache is the one that the server has."""
        pending = self._pending.get(owner)
        if pending is not None:
            pending.version = pending.refused = None
            self._settled(owner)

    def missing(self, owner: Owner) -> frozenset[Child]:
        """The children whose change has not arrived."""
        pending = self._pending.get(owner)
        return frozenset() if pending is None else frozenset(pending.children)

    def waiting(self, owner: Owner) -> float | None:
        """Seconds until the limit (0 when it has passed) while something has not arrived, else None."""
        pending = self._pending.get(owner)
        return None if pending is None else max(0.0, pending.since + LIMIT_SECONDS - self._clock())

    def renew(self, owner: Owner) -> None:
        """The server confirms that the cache is behind: wait for another while."""
        if owner in self._pending:
            self._pending[owner].since = self._clock()

    def forget(self, owner: Owner) -> None:
        """Nothing is awaited for this owner any more."""
        pending = self._pending.pop(owner, None)
        for child in pending.children if pending else ():
            self._owners.pop(child, None)

    def _of(self, owner: Owner) -> _Pending:
        pending = self._pending.setdefault(owner, _Pending(self._clock()))
        pending.since = self._clock()
        return pending

    def _settled(self, owner: Owner) -> Owner | None:
        pending = self._pending[owner]
        if pending.children or pending.version is not None or pending.refused is not None:
            return None
        del self._pending[owner]
        return owner


def older(version: str, than: str) -> bool:
    """Whether a resourceVersion is behind another. They are decimal numbers on every server there is; any
    other pair is behind unless equal, and the time limit ends the wait.
    """
    if version.isdecimal() and than.isdecimal():
        return int(version) < int(than)
    return version != than
