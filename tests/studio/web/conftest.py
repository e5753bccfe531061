"""The approval pages on a real port, over a real database, with posts that wait."""

import asyncio
import hashlib
import re
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import html5lib
import httpx
import pytest

from bookai.db import approvals, tokens
from bookai.db.embedded import EmbeddedPostgres
from bookai.models import (
    Article,
    CheckReport,
    Fallback,
    Finding,
    Flags,
    Line,
    Post,
    Render,
    Script,
    Span,
    VideoJob,
    Voiceover,
    Word,
)
from bookai.settings import Settings
from mcp_server.serve import serve_http
from studio.office import Office, now, open_office
from studio.wiring import front_door
from tests.conftest import TEMPLATE, execute, on_database

TEXT = "Owls turn their heads far.\n\nAn owl turns its head by 270 degrees. It has 14 neck bones."
VIDEO = b"\x00\x00\x00\x18ftypisom" + bytes(range(256)) * 40
THUMBNAIL = b"\xff\xd8\xff\xe0" + b"a picture" * 30
CAPTIONS = b"WEBVTT\n\n00:00.000 --> 00:01.000\nOwls\n"
FILES = {"video.mp4": VIDEO, "thumbnail.jpg": THUMBNAIL, "captions.vtt": CAPTIONS}
INSERT_JOB = """
INSERT INTO video_jobs (source, channel, requested_by, status, stage, record)
VALUES ('owls.md', 'default', 'operator:bob', 'waiting', 'ask', '{}')
RETURNING job_id
"""


@dataclass(frozen=True)
class House:
    """A studio behind its HTTP door; `url` ends without a slash."""

    office: Office
    settings: Settings
    url: str

    async def ask(
        self,
        needed: int = 1,
        ttl: timedelta = timedelta(days=2),
        files: Mapping[str, bytes] | None = None,
        **of: Any,
    ) -> int:
        """Make a finished video and ask for a word on it; return the approval's number."""
        pool = self.office.database.pool
        async with pool.acquire() as con, con.transaction():
            job_id: int = await con.fetchval(INSERT_JOB)
            job = a_job(job_id, self.settings.work_dir / str(job_id), files or FILES, **of)
            assert job.post is not None
            assert job.render is not None
            rules = approvals.Rules(needed=needed)
            number = await approvals.request(
                con, job_id, job.post, job.render.video_path, now(), ttl, rules
            )
            record = job.model_copy(update={"approval_id": number}).model_dump(mode="json")
            await con.execute("UPDATE video_jobs SET record = $2 WHERE job_id = $1", job_id, record)
        return number

    async def token(self, name: str = "anna", *scopes: str) -> str:
        pool, ttl = self.office.database.pool, timedelta(days=1)
        rights = scopes or ("read", "approve")
        return await tokens.create(pool, name, rights, ttl, "operator:test")

    def browser(self, **headers: str) -> httpx.AsyncClient:
        """Return a client that sends what a browser sends with a form of the same site."""
        return httpx.AsyncClient(
            base_url=self.url, headers={"sec-fetch-site": "same-origin"} | headers, timeout=20
        )

    @asynccontextmanager
    async def signed_in(self, name: str = "anna", *scopes: str) -> AsyncIterator[httpx.AsyncClient]:
        async with self.browser() as browser:
            answer = await browser.post("/sign-in", data={"token": await self.token(name, *scopes)})
            assert answer.status_code == 303, answer.text
            yield browser

    async def state(self, number: int) -> str:
        return (await approvals.get(self.office.database.pool, number)).state

    async def audited(self, kind: str) -> list[str]:
        rows = await self.office.desk.search_audit(kind=kind, actor=None, job_id=None, limit=50)
        return [f"{row.actor} {row.body}" for row in rows]


@contextmanager
def shared_database(server: EmbeddedPostgres) -> Iterator[str]:
    """Lend one database to a file of tests: copying it takes longer than most of them."""
    name = f"t_{uuid4().hex[:12]}"
    execute(server.dsn(), f"CREATE DATABASE {name} TEMPLATE {TEMPLATE} STRATEGY file_copy")
    yield name
    execute(server.dsn(), f"DROP DATABASE {name} WITH (FORCE)")


def emptied(server: EmbeddedPostgres, database: str) -> str:
    """Return the name of a shared database, without jobs, approvals and tokens."""
    empty = "TRUNCATE video_jobs, tokens RESTART IDENTITY CASCADE"
    execute(on_database(server.dsn(), database), empty)
    return database


@pytest.fixture
async def house(settings: Settings) -> AsyncIterator[House]:
    async with served(settings) as opened:
        yield opened


@asynccontextmanager
async def served(settings: Settings, port: int = 0) -> AsyncIterator[House]:
    url: asyncio.Future[str] = asyncio.get_running_loop().create_future()
    async with open_office(settings) as office, asyncio.TaskGroup() as group:
        serving = group.create_task(
            serve_http(front_door(office), port=port, on_ready=url.set_result)
        )
        try:
            yield House(office, settings, (await url).removesuffix("/mcp"))
        finally:
            serving.cancel()


def form_token(page: str) -> str:
    found = re.search(r'name="form_token" value="([^"]+)"', page)
    assert found, page
    return found[1]


async def answer(browser: httpx.AsyncClient, path: str, said: str, **fields: str) -> httpx.Response:
    """Load a page and send its form, as a person does."""
    token = form_token((await browser.get(path)).text)
    return await browser.post(path, data={"form_token": token, "decision": said} | fields)


def parsed(page: str) -> Any:
    """Parse as a browser does, and fail at the first error that it would forgive."""
    return html5lib.HTMLParser(strict=True, namespaceHTMLElements=False).parse(page)


def a_job(job_id: int, folder: Path, files: Mapping[str, bytes] = FILES, **of: Any) -> VideoJob:
    """Return a job that waits for its approval; `of` changes its post."""
    folder.mkdir(parents=True)
    for name, content in files.items():
        (folder / name).write_bytes(content)
    sha256 = {name: hashlib.sha256(content).hexdigest() for name, content in files.items()}
    start = TEXT.index("An owl")
    lines = (
        Line(
            text="An owl turns its head by 270 degrees.",
            kind="hook",
            span=Span(start=start, end=TEXT.index(" It has")),
        ),
        Line(text="Follow for more.", kind="cta"),
    )
    post = Post(
        platform="gallery",
        account="local",
        title="Owls see behind themselves",
        caption="An owl turns its head by 270 degrees.\n\nSource: Example: https://example.org/owls",
        hashtags=("#Owls", "#Birds"),
        flags=Flags(),
        source_url="https://example.org/owls",
        source_credit="Source: Example",
        language="en",
        video_sha256=sha256["video.mp4"],
        thumbnail_sha256=sha256["thumbnail.jpg"],
        captions_sha256=sha256["captions.vtt"],
        transcript="An owl turns its head by 270 degrees.",
    ).model_copy(update=of)
    return VideoJob(
        job_id=job_id,
        source="owls.md",
        requested_by="operator:bob",
        article=Article(
            url="https://example.org/owls",
            title="Owls",
            publisher="Example",
            text=TEXT,
            language="en",
            sha256=hashlib.sha256(TEXT.encode()).hexdigest(),
            fetched_at=now(),
        ),
        script=Script(
            title=post.title,
            lines=lines,
            language="en",
            draft_kind="extractive",
            writer="extractive",
            seconds_est=4.0,
        ),
        voiceover=Voiceover(
            path=str(folder / "voice.wav"),
            words=(
                Word(text="An", line=0, start_s=0.2, end_s=0.4),
                Word(text="Follow", line=1, start_s=3.5, end_s=3.9),
            ),
            duration_s=4.0,
            voice="espeak",
            language="en",
            sample_rate=22050,
        ),
        render=Render(
            video_path=str(folder / "video.mp4"),
            thumbnail_path=str(folder / "thumbnail.jpg"),
            captions_path=str(folder / "captions.vtt"),
            sha256=sha256["video.mp4"],
            thumbnail_sha256=sha256["thumbnail.jpg"],
            captions_sha256=sha256["captions.vtt"],
            size_bytes=len(files["video.mp4"]),
            duration_s=4.0,
            width=1080,
            height=1920,
            fps=30,
            encoder="libx264",
            encoder_reason="",
        ),
        check=CheckReport(
            ok=True,
            findings=(
                Finding(check="size", ok=True, detail="1080x1920"),
                Finding(check="loudness", ok=False, detail="-19 LUFS, wanted -14"),
            ),
        ),
        post=post,
        fallbacks=(
            Fallback(what="writer", wanted="ollama", used="extractive", why="no Ollama answers"),
        ),
    )
