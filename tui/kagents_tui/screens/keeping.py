"""What every screen does with what it shows: copies it, saves it, paints it in other colours."""

from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, cast, get_args

from kagents_tui import taking, terminal_writing
from kagents_tui.rows.cells import Tone
from kagents_tui.rows.fields import line
from kagents_tui.settings import ThemeName

if TYPE_CHECKING:
    from kagents_core.safetext import SafeText
    from kagents_tui.app import KagentsApp

FORMATS = ("csv", "text", "svg")


class Keeping:
    """Joins a screen that has ``table()`` or ``document()``, whose rows or text these are about."""

    if TYPE_CHECKING:
        kind: ClassVar[str]

        @property
        def kagents(self) -> KagentsApp:
            """The application."""

        def say(self, text: SafeText, tone: Tone) -> None:
            """Shows one line."""

    def do_copy(self, arguments: tuple[str, ...]) -> None:
        """Copies what the cursor is on, or the whole text."""
        text = self.copied()
        if not text:
            self.say(line("there is nothing to copy here"), "warn")
            return
        sequence, left_out = terminal_writing.clipboard(text)
        self.kagents.write_to_terminal(sequence)
        first = line(text.strip().split("\n", 1)[0], 60)
        much = f"{len(text.encode('utf-8', 'replace')):,} bytes"
        if left_out:
            key = self.kagents.keymap.words
            self.say(
                line(
                    f"copied the beginning of {much}: a terminal takes no more; {key('save')} saves all of it"
                ),
                "warn",
            )
        else:
            self.say(line(f"copied {first}" if len(text) <= 60 else f"copied {first}… ({much})"), "good")

    def copied(self) -> str:
        """What is copied: the text of the row under the cursor, or of the document."""
        table, document = self._parts()
        if table is not None:
            return taking.words_of(table.current) if table.current is not None else ""
        return "\n".join(document.lines) if document is not None else ""

    def do_save(self, arguments: tuple[str, ...]) -> None:
        """Saves the view in a new file."""
        table, document = self._parts()
        usual = "csv" if table is not None else "text"
        wanted = arguments[0] if arguments else usual
        if wanted not in FORMATS or ((wanted == "csv") is (table is None) and wanted != "svg"):
            possible = "csv or svg" if table is not None else "text or svg"
            self.say(line(f"save: {wanted!r} is not possible here; it is {possible}"), "warn")
            return
        self.kagents.run_worker(self._save(wanted, table, document), group="save", exit_on_error=False)

    async def _save(self, wanted: str, table: Any, document: Any) -> None:
        app = self.kagents
        if wanted == "svg":
            content = app.export_screenshot()
        elif table is not None:
            content = await taking.csv_of(table.columns, table.rows, app.scene())
        else:
            content = "\n".join(document.lines) + "\n"
        context = app.connection.context if app.connection else ""
        name = taking.file_name([context, self.kind], app.now())
        try:
            path = taking.write_new(Path.cwd(), name, {"text": "txt"}.get(wanted, wanted), content)
        except OSError as error:
            self.say(
                line(f"not saved: {Path.cwd()}: {error.strerror}; start kagents-tui where you may write"),
                "warn",
            )
            return
        rows = f"{len(table.rows)} rows in " if wanted == "csv" else ""
        self.say(line(f"saved {rows}{path.name}"), "good")

    def _parts(self) -> tuple[Any, Any]:
        """The table or the document that this screen is about."""
        table, document = getattr(self, "table", None), getattr(self, "document", None)
        return (table() if table else None, document() if document else None)

    def do_theme(self, arguments: tuple[str, ...]) -> None:
        """Paints everything in another theme, from now on."""
        known = get_args(ThemeName)
        if len(arguments) != 1 or arguments[0] not in known:
            self.say(line(f"theme: name one of {', '.join(known)}"), "warn")
            return
        app = self.kagents
        app.show_theme(cast("ThemeName", arguments[0]))
        app.memory.choose(theme=arguments[0], instead=app.settings.theme)
        kept = "remembered" if app.memory.file else "for this session"
        self.say(line(f"theme {arguments[0]}, {kept}"), "good")
