"""What the application is started with and how it connects: the seam between screens and the world."""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from kagents_tui.settings import Settings

if TYPE_CHECKING:
    from kagents_core.kube.client import Client


@dataclass(frozen=True, slots=True)
class Options:
    """How a person asked for the terminal to be."""

    namespaces: tuple[str, ...] = ()
    """None given: all of them."""
    read_only: bool = False
    ascii: bool = False
    mouse: bool = True
    all_namespaces: bool = False
    """Asked for by name: what was shown the last time does not count."""
    state: Path | None = None
    """The file that keeps what is remembered until the next start; None: nothing is."""
    settings: Settings = field(default_factory=Settings)
    """What the configuration file says. ``read_only``, ``ascii`` and ``mouse`` have taken it in already."""


@dataclass(frozen=True, slots=True)
class Connection:
    """An API server that is spoken to."""

    client: "Client"
    context: str
    opens: tuple[str, str] | None = None
    """Namespace and name of a team to show at once."""


class Connector(Protocol):
    """Finds and opens connections. Raises ``KubeError`` with one plain sentence."""

    async def connect(self, context: str | None, tell: Callable[[str], None]) -> Connection:
        """Opens the named context, or the one the person asked for; ``tell`` hears what is going on."""
        ...

    async def close(self, connection: Connection) -> None:
        """Closes a connection."""
        ...

    def contexts(self) -> list[str]:
        """Names that ``connect`` accepts."""
        ...
