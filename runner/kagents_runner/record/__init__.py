"""The recorder: sees everything that happens in a team, journals it once, and ends what should end."""
