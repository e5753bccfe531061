"""Trends and earnings from the doors: an MCP client, the loop, the command line."""

import json
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from click.testing import CliRunner
from mcp.client import Client

from bookai.market import EarningsReport, TrendList
from bookai.models import Feed, FeedItem
from bookai.settings import Settings
from mcp_server.auth import Principal
from studio.cli import bookai
from studio.market.watch import watch_source
from studio.office import Office, open_office
from studio.wiring import tool_server
from tests.peers.web_server import Page, WebServer
from tools.net.gate import Gate

FEEDS = Path(__file__).resolve().parents[2] / "data" / "feeds"
READER = Principal("operator:ann", frozenset({"read"}))

pytestmark = pytest.mark.timeout(60)


def with_feeds(settings: Settings, *urls: str) -> Settings:
    return Settings.model_validate(
        settings.model_dump()
        | {"sources": [{"url": url} for url in urls], "allow_private": ("127.0.0.1",)}
    )


async def trends(office: Office, **arguments: object) -> TrendList:
    async with Client(tool_server(office, READER)) as client:
        answer = await client.call_tool("list_trends", arguments)
    assert not answer.is_error, answer.content
    return TrendList.model_validate(answer.structured_content)


async def test_a_reader_asks_what_rises_and_gets_sources_or_the_reason_why_not(
    settings: Settings,
) -> None:
    async with WebServer() as web:
        web.pages["/rss"] = Page((FEEDS / "points.rss.xml").read_bytes(), "application/rss+xml")
        configured = with_feeds(settings, web.url("/rss"), web.url("/404"))
        async with open_office(configured) as office:
            before = await trends(office, topic="lighthouse", hours=720)
            read = await trends(office, topic="lighthouse", hours=720, refresh=True)
            asked = len(web.seen)
            again = await trends(office, topic="lighthouse", hours=720, refresh=True)

            assert (before.trends, before.considered) == ((), 0)
            assert "nothing is known" in before.note
            assert again.trends == read.trends
            assert len(web.seen) == asked, "what was read a moment ago is not read again"

    told = {one.feed: one.error for one in read.feeds}
    assert told["Front page"] is None
    assert "there is no page" in (told[web.url("/404")] or "")
    assert "1 of 2 feeds could not be read last time." in read.note


async def test_without_a_feed_the_operator_is_told_what_to_add(settings: Settings) -> None:
    async with open_office(settings) as office, Client(tool_server(office, READER)) as client:
        answer = await client.call_tool("list_trends", {})

    assert answer.is_error
    assert "[[sources]]" in str(answer.content)


async def test_the_loop_reads_each_feed_when_it_is_due(settings: Settings) -> None:
    async with WebServer() as web:
        web.pages["/rss"] = Page((FEEDS / "points.rss.xml").read_bytes(), "application/rss+xml")
        configured = with_feeds(settings, web.url("/rss"))
        gate = Gate(allow_private=("127.0.0.1",), timeout_s=5)
        async with open_office(configured) as office:
            said = [
                await watch_source(
                    office.desk, web.url("/rss"), ["default"], 3600, gate, configured.home
                )
                for _ in range(2)
            ]

            assert said == ["read", "not read"]
            assert len([one for one in web.seen if one.path == "/rss"]) == 1
            found = await office.desk.seen_in_feeds([web.url("/rss")], timedelta(days=3000))
            assert len(found.items) == 3


async def test_a_thousand_remembered_items_are_answered_within_two_seconds(
    settings: Settings,
) -> None:
    urls = [f"https://feed{n}.example/rss" for n in range(5)]
    async with open_office(with_feeds(settings, *urls)) as office:
        await office.desk.claim_feeds(dict.fromkeys(urls, 60))
        for url in urls:
            items = tuple(
                FeedItem(
                    title=f"Report {n} about the harbour of {n * 7}",
                    url=f"https://site{n}.example/{n}",
                    engagement=n,
                    published_at=datetime.now(UTC) - timedelta(hours=n % 60),
                )
                for n in range(200)
            )
            await office.desk.note_feed(url, Feed(title=url, url=url, items=items))

        async with Client(tool_server(office, READER)) as client:
            begun = time.monotonic()
            answer = await client.call_tool("list_trends", {"topic": "harbour"})
            took_s = time.monotonic() - begun

    found = TrendList.model_validate(answer.structured_content)
    assert (found.considered, len(found.trends)) == (1000, 10)
    assert took_s < 2


async def test_earnings_of_a_range_that_makes_no_sense_are_refused(settings: Settings) -> None:
    wrong: tuple[dict[str, object], ...] = (
        {"since": "2026-11-20", "until": "2026-11-01"},
        {"since": "2020-01-01", "until": "2026-11-01"},
        {"since": "9999-12-31", "until": "9999-12-31"},
        {"since": "0001-01-01", "until": "0001-01-01", "time_zone": "Asia/Tokyo"},
        {"time_zone": "Mars/Olympus"},
        {"time_zone": "../../etc/passwd"},
        {"since": "yesterday"},
    )
    async with open_office(settings) as office, Client(tool_server(office, READER)) as client:
        answers = [await client.call_tool("list_earnings", one) for one in wrong]
        empty = await client.call_tool("list_earnings", {"by": "video"})

    assert [answer.is_error for answer in answers] == [True] * len(wrong)
    assert not any("broke" in str(answer.content) for answer in answers)
    report = EarningsReport.model_validate(empty.structured_content)
    assert (report.clicks, report.money, report.until - report.since) == (0, (), timedelta(days=7))
    assert "Never read, so not known" in report.note


def test_an_operator_reads_a_report_and_sees_what_was_earned(
    settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BOOKAI_HOME", str(settings.home))
    monkeypatch.setenv("BOOKAI_DSN", settings.dsn or "")
    monkeypatch.setenv("BOOKAI_ADMIN_DSN", settings.admin_dsn or "")
    path = tmp_path / "report.csv"
    path.write_text(
        "network,external_id,sub_id,state,sale_minor,commission_minor,currency,"
        "occurred_at,reported_at\n"
        "catalogue,S-1,none,approved,5000,300,EUR,2026-01-10T10:00:00Z,2026-01-11T00:00:00Z\n"
        "catalogue,S-2,none,approved,5000,300,JPY,2026-01-10T10:00:00Z,2026-01-11T00:00:00Z\n"
    )
    runner = CliRunner()

    read = runner.invoke(bookai, ["earnings", "import", str(path)], catch_exceptions=False)
    days = ["--since", "2026-01-01", "--until", "2026-01-31"]
    told = runner.invoke(bookai, ["earnings", *days], catch_exceptions=False)
    plain = runner.invoke(bookai, ["earnings", *days, "--json"], catch_exceptions=False)

    assert read.output == (
        "read 2 conversions: 2 new, 0 known already, 2 with a sub-id of none of ours\n"
    )
    assert "in all: 0 clicks, confirmed 3.00 EUR, 300 JPY, pending 0" in told.output
    assert json.loads(plain.output)["rows"][0]["key"] == "2026-01-10"
