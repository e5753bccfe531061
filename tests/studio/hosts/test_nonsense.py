"""A host that speaks no MCP gets no work, and ends neither the studio nor its shutdown."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from random import Random
from typing import Any, cast

import pytest

from bookai.errors import OperatorNeeded, Refused, ToolFailed, TryLater
from bookai.toolbox import NoAnswer, Toolbox
from graphs.members import on_duty
from studio.hosts.reach import HostAddress, reach_hosts
from studio.hosts.remote import HostGone, HostUnfit, Line, RemoteAgent
from studio.hosts.wire import AgentThere
from tests.graphs.crew import Hand
from tests.studio.hosts.processes import until_only
from tests.studio.hosts.test_accept import JOB

JSON = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n%b"
NONSENSE = {
    "no_http": b"\x00\x01\x02\r\n\r\n",
    "empty": b"",
    "no_json": JSON % (3, b"moo"),
    "list": JSON % (2, b"[]"),
    "other_id": JSON % (38, b'{"jsonrpc":"2.0","id":99,"result":{} } '),
    "error": b"HTTP/1.1 500 Oh\r\ncontent-length: 0\r\n\r\n",
    "elsewhere": b"HTTP/1.1 302 Go\r\nlocation: http://127.0.0.1:9/\r\ncontent-length: 0\r\n\r\n",
    "endless": b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n\r\ndata: ",
}


@asynccontextmanager
async def answering(nonsense: bytes, heard: asyncio.Event) -> AsyncIterator[str]:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(ConnectionError, asyncio.IncompleteReadError):
            await reader.readuntil(b"\r\n\r\n")
            writer.write(nonsense)
            await writer.drain()
            heard.set()
            if b"event-stream" in nonsense:
                await reader.read()  # until it hangs up
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    try:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/mcp"
    finally:
        server.close()


@pytest.mark.parametrize("kind", sorted(NONSENSE))
async def test_nonsense_gets_no_work_and_stops_nothing(kind: str, tmp_path: Path) -> None:
    heard = asyncio.Event()
    members = on_duty([Hand()], time.time, Random(0))
    rounds = 1 if kind in ("endless", "other_id") else 3  # these two are waited for
    async with (
        asyncio.timeout(10),
        answering(NONSENSE[kind], heard) as url,
        reach_hosts(members, [HostAddress("bad", url)], tmp_path, beat_s=0.05),
    ):
        for _ in range(rounds):
            heard.clear()
            await heard.wait()

    assert members.agents.keys() == {"hand"}


class Breaking(Toolbox):
    """A line on which every call ends in this way."""

    error: Exception

    def acting(self, *told: Any, **more: Any) -> "Breaking":
        return self

    async def call(self, *told: Any, **more: Any) -> Any:
        raise self.error


@pytest.mark.parametrize(
    ("error", "kind", "outcome"),
    [
        (ValueError("what"), HostGone, "infra"),
        (NoAnswer("gone"), HostGone, "infra"),
        (Refused("no"), Refused, None),
        (ToolFailed("broke"), ToolFailed, None),
        (OperatorNeeded("key", mend="Set it."), HostUnfit, "infra"),
    ],
)
async def test_an_error_from_afar_is_of_a_class_of_ours(
    error: Exception, kind: type[Exception], outcome: str | None, tmp_path: Path
) -> None:
    with pytest.raises(kind) as caught:
        await remote(error, tmp_path).run("write", JOB, context())

    assert getattr(caught.value, "outcome", None) == outcome


async def test_a_host_does_not_put_a_job_to_sleep_for_ever(tmp_path: Path) -> None:
    with pytest.raises(TryLater) as caught:
        await remote(TryLater("x\n" * 900, after_s=1e18), tmp_path).run("write", JOB, context())

    assert caught.value.after_s == 300
    assert len(str(caught.value)) <= 300
    assert "\n" not in str(caught.value)


def remote(error: Exception, folder: Path) -> RemoteAgent:
    there = AgentThere(
        name="poet", capabilities=("write",), capacity=1, in_flight=0, proficiency=0.9
    )
    box = Breaking(cast(Any, None))
    object.__setattr__(box, "error", error)  # the parent is frozen
    return RemoteAgent(there, frozenset({"write"}), Line("far", box, folder))


def context() -> Any:
    async def unheard(fraction: float, message: str) -> None:
        del fraction, message

    async def ours() -> None:
        return None

    until = asyncio.get_running_loop().time() + 5
    return until_only("poet", JOB, unheard, ours, until)


async def test_a_closed_line_fails_at_once(tmp_path: Path) -> None:
    agent = remote(ToolFailed("never asked"), tmp_path)
    agent._line.close()

    with pytest.raises(HostGone, match="does not answer"):
        await agent.run("write", JOB, context())
