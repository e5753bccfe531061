"""A process that serves the shop over HTTP: `shop_process.py DSN FOLDER`; prints its URL."""

import asyncio
import sys
from pathlib import Path

from bookai.db.pool import open_pool
from mcp_server.serve import serve_http
from tests.mcp_server.tasks.shop import shop


def announce(url: str) -> None:
    """Say where; what tools write to standard output comes after that line."""
    sys.stdout.write(f"{url}\n")
    sys.stdout.flush()


async def main(dsn: str, work_dir: Path) -> None:
    async with open_pool(dsn, size=4) as pool:
        server = shop(pool, dsn, work_dir=work_dir).server(None)
        await serve_http(server, port=0, on_ready=announce)


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], Path(sys.argv[2])))
