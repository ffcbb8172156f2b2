"""``python -I -m kagents_runner.mcp``: how the CLI starts the server, wherever the agent works."""

import sys

from kagents_runner.mcp.server import main

sys.exit(main())
