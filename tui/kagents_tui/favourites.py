"""Namespaces on the digits: those a person has used, then the fullest. A digit keeps its namespace."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final

PLACES: Final = 9


@dataclass(slots=True)
class Favourites:
    """``names`` are the namespaces of the digits 1 to 9; ``used`` those that were chosen, the latest last."""

    names: list[str] = field(default_factory=list)
    used: list[str] = field(default_factory=list)
    known: set[str] = field(default_factory=set)
    """Every namespace in which a team was seen."""

    def see(self, namespaces: Iterable[str]) -> None:
        """Teams were seen in these, one name a team; what is new takes the free digits, the fullest first."""
        found = Counter(name for name in namespaces if name not in self.known)
        for name, _ in sorted(found.items(), key=lambda each: (-each[1], each[0])):
            self.known.add(name)
            if name not in self.names and len(self.names) < PLACES:
                self.names.append(name)

    def use(self, name: str) -> None:
        """A person has chosen this one: it has a digit from now on, if need be that of the least used."""
        if name in self.used:
            self.used.remove(name)
        self.used.append(name)
        del self.used[:-PLACES]
        if name in self.names:
            return
        if len(self.names) < PLACES:
            self.names.append(name)
            return
        unused = [index for index, each in enumerate(self.names) if each not in self.used]
        at = (
            unused[-1] if unused else self.names.index(next(each for each in self.used if each in self.names))
        )
        self.names[at] = name
