"""A cluster in memory with fixed data, for the pictures of the documentation and the terminal's tests."""
