"""A cluster of which nothing is real, on a clock that does not tick: see docs/reliability.md."""
