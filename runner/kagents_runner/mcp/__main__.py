"""``python -I -m kagents_runner.mcp``: how the CLI starts the server, whatever directory the agent works in."""

import sys

from kagents_runner.mcp.server import main

sys.exit(main())
