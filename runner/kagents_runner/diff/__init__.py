"""What an agent has changed: its worktree, committed or not, against where it began."""
