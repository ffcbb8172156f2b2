"""What agents have made, across all teams: looked at, copied as a command, fetched into this directory."""

from collections.abc import Iterable, Sequence
from typing import Any, ClassVar

from textual.binding import BindingType

from kagents_tui.actions import BY_ID
from kagents_tui.actions.bindings import bindings
from kagents_tui.navigation import drill
from kagents_tui.rows import artifacts as rows
from kagents_tui.rows import teams
from kagents_tui.rows.artifacts import TeamArtifact
from kagents_tui.rows.cells import Cell, cell
from kagents_tui.rows.teams import Team
from kagents_tui.screens.derived import Derived
from kagents_tui.widgets.table import Table


class ArtifactsScreen(Derived, inherit_bindings=False):
    """Artifacts."""

    kind = "artifacts"
    BINDINGS: ClassVar[list[BindingType]] = bindings("artifacts")

    def body(self) -> Any:
        yield Table(
            rows.COLUMNS,
            scene=self.kagents.scene,
            key=lambda artifact: artifact.key,
            search=rows.search_text,
            order=rows.order,
            labels=lambda artifact: teams.labels_of(artifact.team),
            empty="no agent declares an artifact",
            id="body",
        )

    def rows_of(self, teams: Iterable[Team]) -> list[TeamArtifact]:
        return rows.of_teams(teams)

    def selected_agent(self) -> str | None:
        artifact: TeamArtifact | None = self.row()
        return artifact.artifact.agent if artifact else None

    def open_item(self, item: object) -> None:
        from kagents_tui.screens.reading import ReadingScreen

        if isinstance(item, TeamArtifact):
            text = rows.story(item, self.kagents.now())
            drill(self.kagents, ReadingScreen("Artifact", item.team.key, text))

    def do_fetch(self, arguments: tuple[str, ...]) -> None:
        """Puts the artifact under the cursor into the current directory."""
        from kagents_tui.artifact_acts import fetch

        artifact: TeamArtifact | None = self.row()
        if artifact is None:
            self.say(cell("there is no artifact to fetch").text, "warn")
            return
        doing = fetch(self.kagents, BY_ID["fetch"], artifact.team, artifact.artifact.source)
        self.kagents.run_worker(doing, group="acts", exit_on_error=False)

    def crumbs(self) -> Sequence[Cell]:
        return self.listing_cells("Artifacts")
