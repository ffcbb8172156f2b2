"""The agent's own screen for whoever attaches: kept and served by the supervisor, shown by ``attach``."""
