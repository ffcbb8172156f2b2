"""What a journal (docs/internals.md section 3) tells of a team, one concern a module. No I/O, no clock."""
