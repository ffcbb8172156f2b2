"""Quality gates: the checks that an agent's work passes before a task is completed and before it ends."""
