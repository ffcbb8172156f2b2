"""Messages that are not settled, by receiver and by where they are: so that a look costs what has changed."""

from collections import Counter, deque
from collections.abc import Iterable
from typing import Final

from kagents_runner.record.posts import SHOWN, Place, Post

UNSIGHTED_KEPT: Final = 100
"""Messages to an agent that nobody has sighted, nor will, of which it is remembered which is which."""


class Shelves:
    """Every open post of a ledger. A place changes here alone."""

    def __init__(self) -> None:
        self._open: dict[str, dict[str, Post]] = {}
        self._untold: dict[str, dict[str, Post]] = {}
        self._held: dict[str, dict[str, Post]] = {}
        self._unsighted: dict[str, deque[Post]] = {}
        self._shown: Counter[str] = Counter()
        self._looked: dict[str, float] = {}

    def add(self, post: Post) -> None:
        """A new post, with the place that it has."""
        self._open.setdefault(post.to, {})[post.id] = post
        self._shown[post.to] += post.type in SHOWN
        self.put(post, post.place)

    def put(self, post: Post, place: Place, *, untold: bool = False) -> None:
        """The post is there now. ``untold``: the mailbox was not looked at since, though it says so."""
        post.place = place
        if self.find(post.to, post.id) is post:
            _keep(self._untold, post, untold or place == "sent")
            _keep(self._held, post, place == "gone" and post.type in SHOWN)

    def close(self, post: Post) -> None:
        """The post is settled."""
        if self.find(post.to, post.id) is post:
            self._shown[post.to] -= post.type in SHOWN
        for shelf in (self._open, self._untold, self._held):
            _keep(shelf, post, False)

    def start_again(self) -> None:
        """Nobody has watched for a while: what was on its way or lay there may have gone since."""
        for row in self._open.values():
            for post in row.values():
                if post.place != "gone":
                    post.present = self.was_lying(post)
                    self.put(post, "sent")

    def forgo(self, post: Post) -> None:
        """Settle a post that nobody will tell the sight of; should one still, the last are known apart."""
        self.close(post)
        waiting = self._unsighted.setdefault(post.to, deque())
        waiting.append(post)
        if len(waiting) > UNSIGHTED_KEPT:
            oldest = waiting.popleft()
            if not oldest.seen:
                oldest.tally.unseen.remove(oldest)
                oldest.tally.spare += 1

    def find(self, to: str, message_id: str) -> Post | None:
        """An open post, or None."""
        return self._of(to).get(message_id)

    def of(self, to: str) -> list[Post]:
        """All open posts to an agent, the oldest first."""
        return list(self._of(to).values())

    def shown(self, to: str) -> int:
        """How many open posts are of types that their receiver is shown."""
        return self._shown[to]

    def oldest_shown(self, to: str) -> Post | None:
        """The first of them."""
        return next((post for post in self._of(to).values() if post.type in SHOWN), None)

    def held(self, to: str) -> tuple[Post, ...]:
        """What an agent has taken and not looked at."""
        return tuple(self._held.get(to, {}).values())

    def untold(self, to: str) -> dict[str, Post]:
        """Posts whose place a look at the mailbox has still to tell."""
        return self._untold.get(to, {})

    def receivers_untold(self) -> list[str]:
        """Agents with such posts."""
        return list(self._untold)

    def leaving(self, to: str, lying: set[str], *, appended: bool) -> list[Post]:
        """Posts that a look has not found. With ``appended`` all that lay there before are known to lie."""
        posts: Iterable[Post] = (self.untold(to) if appended else self._of(to)).values()
        return [post for post in posts if post.place in ("sent", "lying") and post.id not in lying]

    def was_lying(self, post: Post) -> float:
        """When the post was last known to be on its way or lying: what lies is not touched at each look."""
        lay = post.place == "lying"
        return max(post.present, self._looked.get(post.to, 0.0)) if lay else post.present

    def looked(self, to: str, now: float) -> None:
        """The mailbox was looked at: everything that is said to lie there lay there now."""
        self._looked[to] = now

    def _of(self, to: str) -> dict[str, Post]:
        return self._open.get(to, {})


def _keep(shelf: dict[str, dict[str, Post]], post: Post, there: bool) -> None:
    """Put a post on a shelf, or take it away; an empty row goes."""
    if there:
        shelf.setdefault(post.to, {})[post.id] = post
        return
    row = shelf.get(post.to)
    if row is not None and row.pop(post.id, None) is not None and not row:
        del shelf[post.to]
