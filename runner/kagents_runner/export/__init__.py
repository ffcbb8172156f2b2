"""What leaves a team as one archive: its files as they are, without links and without secrets."""
