"""`bookai results` tells what became of posts, and never a guess."""

import asyncio
import json

import pytest
from click.testing import CliRunner

from bookai.settings import Settings
from studio.cli import bookai
from studio.office import open_office
from studio.results import read_stats
from tests.studio.results.posted import Counting, later, publish


async def test_it_shows_each_post_with_what_was_heard_and_says_what_nobody_heard(
    settings: Settings, platform: Counting, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("studio.commands.market.results.read_settings", lambda: settings)
    async with open_office(settings) as office:
        await publish(office.database.pool, "v1")
        await publish(office.database.pool, "v2", "news")
        platform.says["v1"] = 41
        await read_stats(office, "default", later(hours=2))

    text = await asyncio.to_thread(CliRunner().invoke, bookai, ["results"])
    only = await asyncio.to_thread(
        CliRunner().invoke, bookai, ["results", "--channel", "news", "--json"]
    )

    assert "41" in text.output
    assert "never" in text.output
    assert "no skill known yet" in text.output
    [post] = json.loads(only.output)["posts"]
    assert (post["state"], post["views"], post["read_at"]) == ("unread", None, None)
