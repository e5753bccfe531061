"""The same small studio as a process of its own, spoken to over stdin and stdout."""

import asyncio
import sys

from mcp_server.serve import serve_stdio
from tests.mcp_server.doubles import PRINCIPALS, Studio

if __name__ == "__main__":
    asyncio.run(serve_stdio(Studio().server(PRINCIPALS[sys.argv[1]])))
