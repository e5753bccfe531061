"""Resources over HTTP, from a real database: read, completed, watched across processes."""

import asyncio
import base64
import json
import re
import sys
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

import httpx2
import pytest
from mcp.client import Client
from mcp.client.streamable_http import streamable_http_client
from mcp.shared.exceptions import MCPError
from mcp.shared.subscriptions import ResourceUpdated
from mcp.types import BlobResourceContents, ResourceTemplateReference, TextResourceContents

from bookai.db import jobs
from bookai.models import VideoJob
from bookai.settings import Settings
from mcp_server.rooms.addresses import FIXED, TEMPLATES
from studio.rooms import capabilities
from tests.studio.web.conftest import THUMBNAIL, House, served

ROOT = Path(__file__).resolve().parents[2]
SOON_S = 2.0
ELSEWHERE = """
import asyncio, sys
from bookai.db import jobs
from bookai.db.pool import open_pool

async def main(dsn, job_id):
    async with open_pool(dsn, size=1) as pool, pool.acquire() as con:
        print("ready", flush=True)
        sys.stdin.readline()
        async with con.transaction():
            await jobs.set_status(con, job_id, "failed", reason="a test says so")

asyncio.run(main(sys.argv[1], int(sys.argv[2])))
"""


@pytest.fixture
async def house(settings: Settings) -> AsyncIterator[House]:
    async with served(settings) as opened:
        yield opened


@asynccontextmanager
async def calling(house: House, *scopes: str) -> AsyncIterator[Client]:
    async with AsyncExitStack() as stack:
        bearer = {"Authorization": f"Bearer {await house.token('anna', *scopes)}"}
        http = await stack.enter_async_context(httpx2.AsyncClient(headers=bearer))
        client = Client(streamable_http_client(f"{house.url}/mcp", http_client=http))
        yield await stack.enter_async_context(client)


async def read(client: Client, uri: str) -> dict[str, Any]:
    [contents] = (await client.read_resource(uri)).contents
    assert isinstance(contents, TextResourceContents)
    found = json.loads(contents.text)
    assert isinstance(found, dict)
    return found


async def made(house: House) -> VideoJob:
    """Make a job that waits for a yes, with all its rows."""
    approval = await house.office.desk.get_approval(await house.ask())
    pool = house.office.database.pool
    job = await jobs.load(pool, approval.job_id)
    async with pool.acquire() as con, con.transaction():
        await jobs.save(con, job)
    return job


async def test_a_finished_video_is_read_from_every_side(house: House) -> None:
    job = await made(house)
    n = job.job_id

    async with calling(house) as client:
        sheets = {
            uri: await read(client, uri)
            for uri in (
                f"job://{n}",
                f"script://{n}",
                f"video://{n}",
                f"approval://{job.approval_id}",
            )
        }
        [picture] = (await client.read_resource(f"thumbnail://{n}")).contents
        event = (await read(client, "audit://1"))["event"]
        waiting = (await read(client, "studio://approvals"))["approvals"]
        numbers = await client.complete(
            ResourceTemplateReference(type="ref/resource", uri="script://{job_id}"),
            {"name": "job_id", "value": str(n)},
        )

    assert isinstance(picture, BlobResourceContents)
    assert base64.b64decode(picture.blob) == THUMBNAIL
    assert job.article is not None
    for line in sheets[f"script://{n}"]["lines"]:
        if line["span"]:
            span = slice(line["span"]["start"], line["span"]["end"])
            assert line["passage"] == job.article.text[span]
    assert event["event_id"] == 1
    assert [one["approval_id"] for one in waiting] == [job.approval_id]
    assert numbers.completion.values == [str(n)]
    assert str(house.settings.home) not in json.dumps(sheets)


async def test_a_picture_that_is_not_the_rendered_one_is_not_shown(house: House) -> None:
    job = await made(house)
    assert job.render is not None
    path = Path(job.render.thumbnail_path)

    async with calling(house) as client:
        for change in (
            lambda: path.write_bytes(b"\xff\xd8\xff\xe0another picture"),
            lambda: path.write_bytes(b"no picture"),
            path.unlink,
            lambda: path.symlink_to("/etc/passwd"),
        ):
            change()
            with pytest.raises(MCPError) as caught:
                await client.read_resource(f"thumbnail://{job.job_id}")
            assert caught.value.code == -32602
            assert f"picture of job {job.job_id}" in str(caught.value)
            assert "/" not in str(caught.value)


async def test_what_another_process_changes_reaches_a_listener_within_a_second(
    house: House,
) -> None:
    """Point 26: a status changed elsewhere reaches client.listen by Postgres's NOTIFY."""
    job = await made(house)
    other = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", ELSEWHERE, house.office.database.dsn, str(job.job_id)),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )
    assert other.stdin is not None
    assert other.stdout is not None
    uris = [f"job://{job.job_id}", "studio://jobs"]
    async with calling(house) as client:
        await other.stdout.readline()
        async with client.listen(resource_subscriptions=uris) as watching:
            other.stdin.write(b"now\n")
            await other.stdin.drain()
            heard = set[ResourceUpdated]()
            async with asyncio.timeout(SOON_S + 3):
                while {event.uri for event in heard} != set(uris):
                    event = await anext(watching)
                    assert isinstance(event, ResourceUpdated)
                    heard.add(event)
                assert await other.wait() == 0
                status = ""
                while status != "failed":
                    status = (await read(client, f"job://{job.job_id}"))["job"]["status"]


async def test_who_has_no_right_to_read_can_neither_read_nor_watch(house: House) -> None:
    job = await made(house)

    async with calling(house, "approve") as client:
        with pytest.raises(MCPError, match="the right 'read'"):
            await client.read_resource(f"job://{job.job_id}")
        with pytest.raises(MCPError, match="the right 'read'"):
            async with client.listen(resource_subscriptions=["studio://jobs"]):
                pass


@pytest.mark.parametrize("device", ["", "nvidia0", "dri/renderD128"])
def test_a_graphics_card_is_found_by_its_device_and_its_use_is_told(
    tmp_path: Path, device: str
) -> None:
    """Point 29: a machine without a GPU says so, and what makes the videos there."""
    if device:
        path = tmp_path / device
        path.parent.mkdir(exist_ok=True)
        path.touch()

    found = capabilities.look(Settings(home=tmp_path), tmp_path)

    assert found.gpu.found == bool(device)
    assert not found.gpu.used
    assert ("CPU" in found.gpu.why) or device
    assert found.encoder == "libx264"
    assert found.platforms == ("bluesky", "gallery", "youtube")
    assert [voice.name for voice in found.voices] == ["espeak", "piper"]


async def test_the_example_of_the_page_hears_of_what_waits(house: House) -> None:
    page = (ROOT / "docs/how-to/read-and-watch-from-an-mcp-client.md").read_text(encoding="utf-8")
    [example] = re.findall(r"```python\n(.*?)```", page, re.DOTALL)
    printed: asyncio.Queue[tuple[str, ...]] = asyncio.Queue()
    names: dict[str, Any] = {"print": lambda *words: printed.put_nowait(words)}
    exec(compile(example, "the page", "exec"), names)
    job = await made(house)

    watching = asyncio.create_task(names["watch"](f"{house.url}/mcp", await house.token()))
    try:
        async with asyncio.timeout(SOON_S + 3):
            title, _expires, uri = await printed.get()
    finally:
        watching.cancel()
        await asyncio.wait({watching})

    assert (title, uri) == ("Owls see behind themselves", f"approval://{job.approval_id}")
    assert [room.uri for room in (*FIXED, *TEMPLATES) if f"| `{room.uri}` |" not in page] == []
