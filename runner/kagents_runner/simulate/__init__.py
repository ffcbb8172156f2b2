"""The simulated harness: a scripted agent that speaks the native team files; no proof of the real CLI."""
