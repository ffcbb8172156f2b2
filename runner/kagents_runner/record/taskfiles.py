"""The native task files of a team, read into the books."""

from contextlib import suppress

from kagents_core.teamfiles.tasks import Task, read_task
from kagents_runner.record.books import Books
from kagents_runner.record.changes import FileChanges


class TaskFiles:
    """Takes note of tasks that agents have made, changed or removed."""

    def __init__(self, books: Books) -> None:
        self._books = books
        self._files = FileChanges(books.layout.tasks, ".json")

    @property
    def young(self) -> bool:
        """Whether files must be looked at again soon."""
        return self._files.young

    async def read(self) -> None:
        """Journals what has changed since the last look. Raises ``OSError``."""
        books = self._books
        changed, gone = self._files.changed()
        for name in changed:
            with suppress(ValueError):  # a file whose name is no task's id
                found = await read_task(books.layout, name.removesuffix(".json"))
                if isinstance(found, Task):
                    books.write(books.tasks.observed(found.raw))
                elif found is not None:
                    books.malformed([found])
        missing = books.tasks.ids() - {name.removesuffix(".json") for name in self._files.names()}
        for task_id in sorted(missing | {name.removesuffix(".json") for name in gone}):
            books.write(books.tasks.deleted(task_id))
