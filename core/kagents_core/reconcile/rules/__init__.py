"""The rules of a team's life, one module each; ``reconcile.team`` puts them in order."""
