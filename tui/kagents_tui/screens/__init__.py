"""Screens: each composes widgets and asks the session; none owns data."""
