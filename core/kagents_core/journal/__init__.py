"""A team's journal: one JSON object a line, numbered from 1 without gaps, written by the recorder alone.

Readers ignore kinds and fields they do not know. The numbering has no gaps, so a reader finds entry N by
halving the file: no index is kept. Nothing heavy is imported: ``tail`` starts with this package.
"""

from kagents_core.journal.entries import Kind, message
from kagents_core.journal.reader import JournalReader, Line, entries
from kagents_core.journal.writer import Journal, JournalError

__all__ = ["Journal", "JournalError", "JournalReader", "Kind", "Line", "entries", "message"]
