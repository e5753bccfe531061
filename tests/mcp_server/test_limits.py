"""Point 24: rate limits of each principal and each of its tools."""

import pytest
from mcp.client import Client
from mcp.shared.exceptions import MCPError
from prometheus_client import REGISTRY

from bookai.errors import TryLater
from bookai.toolbox import Toolbox
from mcp_server.limits import MOST_BUCKETS, Limits, Rate
from mcp_server.server import build_server
from tests.mcp_server.doubles import ALICE, WORKER, Said, Studio
from tools import list_jobs, make_video


class Clock:
    """A time that stands until it is moved."""

    at = 0.0

    def __call__(self) -> float:
        return self.at


def limits() -> tuple[Limits, Clock]:
    clock = Clock()
    return Limits(whole=Rate(60, 5), reading=Rate(60, 3), changing=Rate(60, 2), clock=clock), clock


def test_a_burst_is_let_through_and_then_one_call_a_second() -> None:
    found, clock = limits()
    for _ in range(3):
        found.check(ALICE, list_jobs.TOOL)
    with pytest.raises(TryLater, match="called list_jobs more than 60 times a minute") as caught:
        found.check(ALICE, list_jobs.TOOL)
    assert 0 < caught.value.after_s <= 1.1

    clock.at += caught.value.after_s
    found.check(ALICE, list_jobs.TOOL)
    with pytest.raises(TryLater):
        found.check(ALICE, list_jobs.TOOL)


def test_what_changes_something_is_held_closer_and_all_tools_together_too() -> None:
    found, _ = limits()
    for _ in range(2):
        found.check(ALICE, make_video.TOOL)
    with pytest.raises(TryLater, match="make_video"):
        found.check(ALICE, make_video.TOOL)
    for _ in range(3):
        found.check(ALICE, list_jobs.TOOL)
    with pytest.raises(TryLater, match="the studio's tools"):
        found.check(ALICE, Studio().tools["echo"])


def test_one_callers_flood_is_not_anothers_and_is_remembered_in_little_room() -> None:
    found, _ = limits()
    for _ in range(2):
        found.check(ALICE, make_video.TOOL)

    found.check(WORKER, make_video.TOOL)
    for number in range(MOST_BUCKETS):
        found.check(type(ALICE)(f"operator:{number}", ALICE.scopes), list_jobs.TOOL)

    assert len(found._buckets) == MOST_BUCKETS


async def test_a_call_too_many_is_told_when_to_come_back_and_is_counted(studio: Studio) -> None:
    found, _ = limits()
    server = build_server(
        studio.tools.values(),
        make_context=studio.context,
        audit=studio.audit,
        principal=ALICE,
        limits=found,
    )
    name = "bookai_mcp_limited_total"
    before = REGISTRY.get_sample_value(name, {"limit": "tool"}) or 0
    async with Client(server) as client:
        toolbox = Toolbox(client)
        for _ in range(3):
            await toolbox.call("echo", Said, text="hi")
        with pytest.raises(TryLater, match="60 times") as caught:
            await toolbox.call("echo", Said, text="hi")

    assert caught.value.after_s > 0
    assert (REGISTRY.get_sample_value(name, {"limit": "tool"}) or 0) == before + 1
    assert len([row for row in studio.rows if row[0] == "tool.called"]) == 3


async def test_reading_resources_counts_too(studio: Studio) -> None:
    """Point 24: a room is read no more often than a tool."""
    found, _ = limits()
    server = build_server(
        studio.tools.values(),
        make_context=studio.context,
        audit=studio.audit,
        principal=ALICE,
        limits=found,
        library=studio.library,
    )
    async with Client(server, cache=None) as client:
        for _ in range(3):
            await client.read_resource("job://1")
        with pytest.raises(MCPError, match=r"called job:// more than 60 times.*Try again in"):
            await client.read_resource("job://1")
