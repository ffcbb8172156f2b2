"""Rows: pure functions from what cluster and journal say to what a table shows. No widget, clock or I/O."""
