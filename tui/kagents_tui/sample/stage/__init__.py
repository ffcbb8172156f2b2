"""A cluster in memory that is at work: what ``kagents-tui --demo`` shows. Nothing of it runs anywhere."""
