"""``kagents-runner prepare``: repository, worktrees and native team files, before any agent starts."""
