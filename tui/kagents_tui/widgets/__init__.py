"""Widgets that every screen shares: the virtual table, one-line bars, the document view, the prompt."""
