"""The harness of the real Claude Code CLI: an interactive ``claude`` on a pseudo-terminal, as one
member of a team.
"""

from kagents_runner.harness.claude_code.harness import ClaudeCodeHarness

__all__ = ["ClaudeCodeHarness"]
