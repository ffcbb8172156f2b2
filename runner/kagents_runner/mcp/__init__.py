"""The MCP server ``kagents``: the few things that an agent asks of its team and that have no native tool."""
