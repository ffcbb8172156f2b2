"""Claude Code's native team files: mailboxes, tasks, config.json and the locks around them."""
