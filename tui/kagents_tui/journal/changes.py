"""What has changed in a journal view since one last looked: a screen takes in what is new, never all."""

from dataclasses import dataclass, field

from kagents_tui.journal.mail import Mail
from kagents_tui.journal.tasks import Task
from kagents_tui.journal.timeline import Happening


@dataclass(slots=True)
class Changes:
    """Changed items by key, None for one that is gone; ``agents`` and ``usage``: one of them changed."""

    mail: dict[str, Mail | None] = field(default_factory=dict)
    tasks: dict[str, Task | None] = field(default_factory=dict)
    timeline: dict[str, Happening | None] = field(default_factory=dict)
    agents: bool = True
    usage: bool = True

    def take(self) -> "Changes":
        """What has gathered, which is forgotten here."""
        taken = Changes(self.mail, self.tasks, self.timeline, self.agents, self.usage)
        self.mail, self.tasks, self.timeline = {}, {}, {}
        self.agents = self.usage = False
        return taken
