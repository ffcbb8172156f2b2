"""``kagents-runner prepare``: the repository, the worktrees and the native team files, before any agent starts."""
