"""The git proxy of a hub: agents fetch the team's repository through it, and push their own branch alone."""
