"""Pure functions from what is observed to what should be: one module per rule, no I/O, no clock."""
