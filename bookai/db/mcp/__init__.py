"""What the MCP server remembers between requests and over restarts."""
