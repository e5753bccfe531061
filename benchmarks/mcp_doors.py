"""What our server adds to a bare SDK server, call by call: `python benchmarks/mcp_doors.py`.

(A file called mcp.py would hide the SDK from every program of this folder.)

One no-op tool in four servers: the bare SDK; ours without an audit log; ours over a durable one
(group commit, embedded Postgres, fsync on); ours with the audit row written alone. In memory they
take turns in rounds, so that a slow moment meets all of them; stdio and HTTP follow. Then 200
callers at once for a minute over the durable log.

Goals: in memory, guard, audit and metrics together add at most twice the bare SDK's p50, with 64
calls at once as a busy studio has them; one call alone waits for the disk, and its figure is told
beside the cost of the audit write itself. No call of the 200 callers fails, and memory stays flat.
"""

import argparse
import asyncio
import gc
import os
import resource
import socket
import statistics
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import httpx2
import uvicorn
from mcp.client import Client
from mcp.client.stdio import StdioServerParameters
from mcp.client.streamable_http import streamable_http_client
from mcp.server.mcpserver import MCPServer

from bookai.db import audit
from bookai.db.embedded import embedded
from bookai.db.migrate import migrate
from bookai.db.pool import Pool, open_pool
from bookai.house import migrations_dir
from bookai.models import Record
from bookai.toolbox import Progress
from mcp_server.auth import Principal, operator_here
from mcp_server.serve import serve_http, serve_stdio
from mcp_server.server import StudioServer, build_server
from tools.base import Desk, Fetch, Tool, ToolContext

ADDED, CALLERS, GROWTH = 2.0, 200, 1.10
ME = operator_here("operator:bench")
TOKEN = "bench"  # opens nothing but this program's own server

Sink = Callable[[str, str, Mapping[str, object]], Awaitable[object]]
Calls = Callable[[Client, int, int], Awaitable[list[float]]]


class Done(Record):
    """The answer of a tool that does nothing."""

    ok: bool = True


async def do_nothing(ctx: ToolContext) -> Done:
    """Do nothing. Only for measuring."""
    del ctx
    return Done()


async def bare_do_nothing() -> Done:
    """Do nothing. Only for measuring."""
    return Done()


@dataclass(frozen=True)
class Known:
    """What a token is known by."""

    name: str = "bench"
    scopes: frozenset[str] = frozenset({"read", "operate"})
    expires_at: None = None
    resource: None = None


async def lookup(token: str) -> Known | None:
    return Known() if token == TOKEN else None


async def unheard(kind: str, actor: str, body: Mapping[str, object]) -> None:
    del kind, actor, body


def bare() -> MCPServer[Any]:
    server: MCPServer[Any] = MCPServer("bare", log_level="WARNING")
    server.add_tool(bare_do_nothing, name="do_nothing", structured_output=True)
    return server


def ours(sink: Sink, principal: Principal | None = ME) -> StudioServer:
    """Return our server with the no-op tool; its calls are audited through `sink`."""

    def context(caller: Principal, progress: Progress) -> ToolContext:
        here, nobody = Path("/"), cast("Any", None)
        return ToolContext(
            cast("Desk", nobody), cast("Fetch", nobody), here, here, caller.name, progress
        )

    tool = Tool(run=do_nothing, title="Do nothing", scope="read", timeout_s=5, read_only=True)
    return build_server(
        [tool],
        make_context=context,
        audit=sink,
        principal=principal,
        lookup=None if principal else lookup,
    )


async def calls(client: Client, count: int, at_once: int) -> list[float]:
    """Return what each of `count` calls took, in ms, `at_once` of them in flight."""
    took_ms: list[float] = []
    left = iter(range(count))

    async def work() -> None:
        for _ in left:
            began = time.perf_counter()
            answer = await client.call_tool("do_nothing", {})
            took_ms.append((time.perf_counter() - began) * 1e3)
            if answer.is_error:
                raise RuntimeError(f"a call failed: {answer.content}")

    async with asyncio.TaskGroup() as group:
        for _ in range(at_once):
            group.create_task(work())
    return took_ms


@asynccontextmanager
async def over_http(server: Any, token: str = "") -> AsyncIterator[Client]:
    """Serve in this process and yield a client on a real socket."""
    async with AsyncExitStack() as stack:
        group = await stack.enter_async_context(asyncio.TaskGroup())
        if isinstance(server, StudioServer):
            url: asyncio.Future[str] = asyncio.get_running_loop().create_future()
            serving = group.create_task(serve_http(server, port=0, on_ready=url.set_result))
            stack.callback(serving.cancel)
            at = await url
        else:
            listener = socket.create_server(("127.0.0.1", 0))
            app = server.streamable_http_app()
            running = uvicorn.Server(uvicorn.Config(app, log_config=None, access_log=False))
            group.create_task(running.serve(sockets=[listener]))
            stack.callback(setattr, running, "should_exit", True)
            at = f"http://127.0.0.1:{listener.getsockname()[1]}/mcp"
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        http = await stack.enter_async_context(httpx2.AsyncClient(headers=headers, timeout=60))
        yield await stack.enter_async_context(Client(streamable_http_client(at, http_client=http)))


@asynccontextmanager
async def over_stdio(kind: str) -> AsyncIterator[Client]:
    """Yield a client of this program as a server of its own."""
    root = str(Path(__file__).parents[1])
    child = StdioServerParameters(
        command=sys.executable, args=[__file__, "--serve", kind], cwd=root, env={"PYTHONPATH": root}
    )
    async with Client(child) as client:
        yield client


def row(name: str, ms: list[float], base_ms: float | None) -> None:
    ordered = sorted(ms)
    p50, p99 = statistics.median(ordered), ordered[int(len(ordered) * 0.99)]
    ratio = f"{p50 / base_ms:6.2f} x bare" if base_ms else ""
    print(f"{name:44}{p50:9.3f}{p99:9.3f}  {ratio}")


def judge(met: bool, text: str) -> None:
    print(f"goal {'met' if met else 'missed'}: {text}", flush=True)


async def in_memory(servers: Mapping[str, MCPServer[Any]], rounds: int) -> dict[str, float]:
    """Print and return the p50 of each server by "name, calls at once"."""
    found: dict[str, float] = {}
    async with AsyncExitStack() as stack:
        clients = {
            name: await stack.enter_async_context(Client(server))
            for name, server in servers.items()
        }
        for at_once, count in ((1, 100), (64, 640)):
            ms: dict[str, list[float]] = {name: [] for name in clients}
            for number in range(rounds + 1):
                for name, client in clients.items():
                    took = await calls(client, count, at_once)
                    if number:  # the first round warms up
                        ms[name] += took
            for name, took in ms.items():
                base_ms = None if name == "bare SDK" else found[f"bare SDK, {at_once}"]
                found[f"{name}, {at_once}"] = statistics.median(took)
                row(f"in memory, {at_once} at once, {name}", took, base_ms)
    return found


async def far_doors(sink: Sink, count: int) -> None:
    for at_once in (1, 16):
        base: dict[str, float] = {}
        for name, opened in (
            ("stdio, {}bare SDK", over_stdio("bare")),
            ("stdio, {}ours without audit", over_stdio("ours")),
            ("HTTP, {}bare SDK", over_http(bare())),
            ("HTTP, {}ours, durable audit", over_http(ours(sink, None), TOKEN)),
        ):
            async with opened as client:
                await calls(client, 20, at_once)
                took = await calls(client, count, at_once)
            door = name.partition(",")[0]
            row(name.format(f"{at_once} at once, "), took, base.get(door))
            base.setdefault(door, statistics.median(took))


async def crowd(server: StudioServer, seconds: float) -> None:
    """Let 200 callers call without pause; tell what failed and how memory went."""
    done, failed, sizes_kib = 0, 0, list[int]()
    end = time.monotonic() + seconds
    page_kib = resource.getpagesize() // 1024

    def size_kib() -> int:
        gc.collect()
        return int(Path("/proc/self/statm").read_text().split()[1]) * page_kib

    async with Client(server) as client:

        async def work() -> None:
            nonlocal done, failed
            while time.monotonic() < end:
                answer = await client.call_tool("do_nothing", {})
                done += 1
                failed += answer.is_error

        async def weigh() -> None:
            while time.monotonic() < end:
                await asyncio.sleep(seconds / 12)
                sizes_kib.append(size_kib())

        async with asyncio.TaskGroup() as group:
            group.create_task(weigh())
            for _ in range(CALLERS):
                group.create_task(work())
    # The first sixth fills pools and caches.
    early, late = sizes_kib[2], sizes_kib[-1]
    print(f"{CALLERS} callers for {seconds:.0f} s: {done:,} calls, {done / seconds:,.0f} a second")
    print("memory, MiB: " + " ".join(f"{kib / 1024:.0f}" for kib in sizes_kib))
    judge(not failed, f"{failed} of {done:,} calls failed (goal 0)")
    judge(late <= early * GROWTH, f"memory grew by {late / early - 1:+.1%} (goal at most 10 %)")


async def run(pool: Pool, options: argparse.Namespace) -> None:
    async def alone(kind: str, actor: str, body: Mapping[str, object]) -> object:
        return await audit.append(pool, kind, actor, body)

    async with audit.open_appender(pool) as traces:

        async def together(kind: str, actor: str, body: Mapping[str, object]) -> None:
            await traces.append(kind, actor, body)

        write_ms = []
        for _ in range(200):
            began = time.perf_counter()
            await together("tool.called", "operator:bench", {"tool": "do_nothing", "ms": 0})
            write_ms.append((time.perf_counter() - began) * 1e3)
        print(f"{'ms':44}{'p50':>9}{'p99':>9}")
        row("one audit row by itself, until durable", write_ms, None)
        servers = {
            "bare SDK": bare(),
            "ours without audit": ours(unheard),
            "ours, durable audit": ours(together),
            "ours, durable audit, not batched": ours(alone),
        }
        p50 = await in_memory(servers, options.rounds)
        await far_doors(together, options.far)
        for at_once in (64,):
            base = p50[f"bare SDK, {at_once}"]
            added = (p50[f"ours, durable audit, {at_once}"] - base) / base
            text = f"guard, audit and metrics add {added:.2f} x the bare p50 at {at_once} at once"
            judge(added <= ADDED, f"{text} (goal {ADDED:g})")
        base, disk = p50["bare SDK, 1"], statistics.median(write_ms)
        added = (p50["ours without audit, 1"] - base) / base
        over = p50["ours, durable audit, 1"] - base
        judge(
            added <= ADDED,
            f"alone, guard and metrics add {added:.2f} x the bare p50 (goal {ADDED:g}); with the "
            f"audit row {over:.2f} ms, of which its disk is {disk:.2f} ms",
        )
        await crowd(ours(together), options.seconds)


async def main() -> None:
    parser = argparse.ArgumentParser(description="Time our MCP server beside the bare SDK.")
    parser.add_argument("--rounds", type=int, default=10)
    parser.add_argument("--far", type=int, default=300, help="calls over stdio and HTTP")
    parser.add_argument("--seconds", type=float, default=60.0, help="for the 200 callers")
    parser.add_argument("--serve", choices=("bare", "ours"), help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.serve:
        await serve_stdio(bare() if options.serve == "bare" else ours(unheard))
        return
    with tempfile.TemporaryDirectory() as folder:
        os.chmod(folder, 0o755)
        async with embedded(Path(folder) / "postgres") as server:
            await migrate(server.dsn(), migrations_dir(), server.role_passwords())
            async with open_pool(server.app_dsn()) as pool:
                await run(pool, options)


if __name__ == "__main__":
    asyncio.run(main())
