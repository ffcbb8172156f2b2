"""How a person finds what a view can do without knowing its key."""

from typing import TYPE_CHECKING, ClassVar

if TYPE_CHECKING:
    from kagents_tui.app import KagentsApp


class Finding:
    """Joins a screen whose actions can be found by their words."""

    if TYPE_CHECKING:
        kind: ClassVar[str]

        @property
        def kagents(self) -> KagentsApp:
            """The application."""

        async def action_act(self, name: str, number: int = 0) -> None:
            """Does an action."""

    def do_palette(self, arguments: tuple[str, ...]) -> None:
        """Every action of this view; a numbered one needs its digit."""
        from kagents_tui.screens.palette import Palette

        app = self.kagents
        found = app.keymap.of_screen(self.kind, read_only=app.options.read_only)

        async def chosen(name: str | None) -> None:  # awaited before the next key is looked at
            if name is not None:
                await self.action_act(name)

        offered = [each for each in found if not each.numbered and each.id != "palette"]
        app.push_screen(Palette(offered), chosen)
