"""The same small studio as a process of its own, spoken to over stdin and stdout.

Called with who speaks and, in hexadecimal, the keys that seal what he carries."""

import asyncio
import sys

from mcp_server.rights.access import Access
from mcp_server.serve import serve_stdio
from tests.mcp_server.doubles import PRINCIPALS, Studio

if __name__ == "__main__":
    who, *keys = sys.argv[1:]
    access = Access(state_keys=tuple(map(bytes.fromhex, keys)))
    asyncio.run(serve_stdio(Studio(access=access).server(PRINCIPALS[who])))
