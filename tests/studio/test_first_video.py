"""The studio's main job, whole: source, script, render, check, approval over MCP, publication."""

import asyncio
import re
from datetime import timedelta
from pathlib import Path

import feedparser
import html5lib
import pytest

from bookai.db import audit, jobs, tokens
from bookai.db.seal import verify as audit_verify
from bookai.db.seal.files import read_verifier
from bookai.errors import Refused
from bookai.settings import Settings
from bookai.toolbox import open_toolbox
from mcp_server.server import serve_http
from studio.commands.make import EXAMPLE
from studio.database import notes_path, seal_audit
from studio.office import Office
from studio.wiring import open_studio, tool_server
from tests.studio.conftest import go_on, make
from tools.base import Decision
from tools.list_approvals import ApprovalPage
from tools.provenance.chain import PUBLIC
from tools.provenance.read import read_credentials

ENDED = frozenset(jobs.ENDED)


async def approve_over_http(office: Office) -> Decision:
    """Approve what waits as an operator with a token, through the server's own port."""
    pool = office.database.pool
    token = await tokens.create(
        pool, "phone", ("read", "approve"), timedelta(hours=1), "operator:test"
    )
    ready: asyncio.Future[str] = asyncio.get_running_loop().create_future()
    stop = asyncio.Event()
    async with asyncio.TaskGroup() as group:
        group.create_task(
            serve_http(tool_server(office), port=0, stop=stop, on_ready=ready.set_result)
        )
        async with open_toolbox(await ready, token) as toolbox:
            page = await toolbox.call("list_approvals", ApprovalPage, state="pending", limit=10)
            (waiting,) = page.approvals
            decided = await toolbox.call(
                "decide_approval",
                Decision,
                approval_id=waiting.approval_id,
                decision="approve",
                reason="reads well",
            )
        stop.set()
    return decided


@pytest.mark.timeout(300)
async def test_an_article_becomes_a_published_video_that_an_operator_approved(
    settings: Settings,
) -> None:
    async with open_studio(settings) as house:
        office = house.office
        pool = office.database.pool

        waiting = await make(house, str(EXAMPLE))

        assert waiting.status == "waiting", waiting.reason
        detail = await office.desk.get_job(waiting.job_id)
        assert all(finding.ok for finding in detail.findings)
        assert "writer model" in {one.what for one in detail.fallbacks}
        assert not settings.gallery_dir.exists()

        decided = await approve_over_http(office)
        done = await go_on(house, waiting.job_id, ENDED)

        assert decided.decided_by == "operator:phone"
        assert done.status == "done", done.reason
        check_gallery(settings.gallery_dir, done.title or "")
        check_credentials(settings, waiting.job_id)

        again = await house.production.advance(waiting.job_id)
        assert again.status == "done"
        (post,) = await office.desk.list_publications(10)
        assert post.state == "posted"

        await seal_audit(office.database, settings)
        verifier = read_verifier(settings.audit_dir / "signing.pub")
        report = await audit_verify.verify(pool, verifier, notes_path(settings))
        assert report.ok, report.problems
        assert report.unsealed == 0
        kinds = {event.kind for event in await audit.search(pool, limit=1000)}
        assert kinds >= {
            "agent.chosen", "agent.ended", "approval.decided", "fallback.used", "job.created",
            "post.posted", "tool.called",
        }  # fmt: skip

        with pytest.raises(Refused, match="was approved by operator:phone"):
            await office.desk.decide_approval(post.post_id, False, "too late", "operator:test")


def check_credentials(settings: Settings, job_id: int) -> None:
    """What is out is signed, byte for byte, and names its job."""
    (video,) = settings.gallery_dir.glob("v/*/video.mp4")
    said = read_credentials(video, (settings.c2pa_dir / PUBLIC).read_text())
    assert said.state == "Trusted"
    page = (video.parent / "index.html").read_text(encoding="utf-8")
    assert f"Content Credentials: {said.signer}" in page
    assert said.binding is not None
    assert said.binding.job_id == job_id
    assert said.binding.source_url == "https://example.org/bookai/leap-second"
    assert len(said.binding.article_sha256) == 64


def check_gallery(root: Path, title: str) -> None:
    (page,) = root.glob("v/*/index.html")
    parser = html5lib.HTMLParser(strict=True)
    for file in (page, root / "index.html"):
        parser.parse(file.read_text(encoding="utf-8"))
    text = page.read_text(encoding="utf-8")
    assert "AI-made" in text
    assert "Source: BookAI Studio examples" in text
    # Nothing on the page leads away from it but the source's and the offer's links.
    assert re.findall(r"<(?:script|iframe|img|link)[^>]+(?:src|href)=\"https?:", text) == []
    feed = feedparser.parse((root / "feed.xml").read_bytes())
    assert not feed.bozo
    assert [entry.title for entry in feed.entries] == [title]
    assert feed.entries[0].media_content[0]["type"] == "video/mp4"
