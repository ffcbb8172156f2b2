"""The ``kagents`` command: every act of the terminal as a verb, for people and for scripts."""

from kagents_tui.cli.command import main

__all__ = ["main"]
