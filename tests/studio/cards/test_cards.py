"""The approval card over HTTP: its page, its data, and what a client without cards gets."""

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from urllib.parse import urlsplit

import httpx2
import pytest
from mcp.client import Client, advertise
from mcp.client.streamable_http import streamable_http_client
from mcp.server.apps import APP_MIME_TYPE, EXTENSION_ID
from mcp.types import ResourceLink, TextContent, TextResourceContents

from bookai.db import approvals
from bookai.settings import Settings
from mcp_server.cards import CARD_URI, CardSheet
from tests.studio.web.conftest import VIDEO, House, parsed, served

CARDS = "bookai/cards"


@pytest.fixture
async def house(settings: Settings) -> AsyncIterator[House]:
    async with served(settings) as opened:
        yield opened


@asynccontextmanager
async def calling(
    house: House, *scopes: str, shows_cards: bool = True, mode: str = "auto"
) -> AsyncIterator[Client]:
    """Yield a client over HTTP; one that shows cards says so, as hosts do."""
    apps = [advertise(EXTENSION_ID, {"mimeTypes": [APP_MIME_TYPE]})] if shows_cards else []
    async with AsyncExitStack() as stack:
        bearer = {"Authorization": f"Bearer {await house.token('anna', *scopes)}"}
        http = await stack.enter_async_context(httpx2.AsyncClient(headers=bearer))
        transport = streamable_http_client(f"{house.url}/mcp", http_client=http)
        yield await stack.enter_async_context(Client(transport, mode=mode, extensions=apps))


@pytest.mark.parametrize("mode", ["auto", "legacy"])
async def test_a_card_is_given_all_that_an_operator_must_see(house: House, mode: str) -> None:
    number = await house.ask()
    row = await approvals.get(house.office.database.pool, number)
    async with calling(house, mode=mode) as client, house.browser() as browser:
        result = await client.call_tool("list_approvals", {})
        assert result.meta is not None
        [told] = result.meta[CARDS]
        card = CardSheet.model_validate(told)
        assert card.links is not None
        film = await browser.get(urlsplit(card.links.video).path)

    assert (card.approval_id, card.state, card.digest) == (number, "pending", row.digest)
    assert (card.post, card.requested_by) == (row.post, "operator:bob")
    assert (card.may_decide, card.has_voted) == (True, False)
    hook, ending = card.lines
    assert hook.is_verbatim
    assert hook.support is not None
    assert hook.support.after == " It has 14 neck bones."
    assert (hook.at_s, ending.support) == (0.2, None)
    assert [one.check for one in card.findings if not one.ok] == ["loudness"]
    assert film.content == VIDEO


async def test_a_client_without_cards_gets_words_and_a_link(house: House) -> None:
    """Point 11: the text is a summary with a link, the data stands in structured content."""
    number = await house.ask()
    async with calling(house, shows_cards=False) as client, house.browser() as browser:
        result = await client.call_tool("list_approvals", {})
        words, link = result.content
        assert isinstance(words, TextContent)
        assert isinstance(link, ResourceLink)
        film = await browser.get(urlsplit(str(link.uri)).path)

    assert CARDS not in (result.meta or {})
    assert f'Approval {number} (pending): "Owls see behind themselves"' in words.text
    assert "AI-made" in words.text
    assert "failed checks: loudness" in words.text
    assert "decide_approval" in words.text
    assert str(link.uri) in words.text
    assert film.content == VIDEO


async def test_the_card_is_announced_and_its_page_stands_alone(house: House) -> None:
    async with calling(house, "read") as client:
        [tool] = [one for one in (await client.list_tools()).tools if one.name == "list_approvals"]
        [content] = (await client.read_resource(CARD_URI)).contents

    assert tool.meta == {"ui": {"resourceUri": CARD_URI}}
    assert isinstance(content, TextResourceContents)
    assert content.mime_type == APP_MIME_TYPE
    own = house.settings.web_url
    assert content.meta == {"ui": {"csp": {"resourceDomains": [own]}, "prefersBorder": True}}
    # One document, nothing from elsewhere, no inline handler, nothing that is turned into code.
    assert set(re.findall(r"https?://[^\s\"';]+", content.text)) == {own}
    assert not re.search(r"\b(eval|innerHTML|insertAdjacentHTML|document\.write)\b", content.text)
    parsed(content.text)


async def test_what_cannot_be_shown_cannot_be_approved_on_a_card(house: House) -> None:
    number = await house.ask()
    row = await approvals.get(house.office.database.pool, number)
    await asyncio.to_thread(Path(row.video_path).write_bytes, VIDEO[:-1] + b"?")
    async with calling(house) as client:
        result = await client.call_tool("list_approvals", {})

    assert result.meta is not None
    [card] = result.meta[CARDS]
    assert card["links"] is None
    assert f"What approval {number} names cannot be shown" in card["problem"]
    [words] = result.content
    assert isinstance(words, TextContent)
    assert str(house.settings.home) not in f"{words.text} {card['problem']}"


async def test_who_may_only_look_is_told_so_by_the_card(house: House) -> None:
    await house.ask()
    async with calling(house, "read") as client:
        result = await client.call_tool("list_approvals", {})

    assert result.meta is not None
    assert [card["may_decide"] for card in result.meta[CARDS]] == [False]


async def test_who_said_yes_already_is_not_asked_again_by_the_card(house: House) -> None:
    number = await house.ask(needed=2)
    await house.office.desk.decide_approval(number, True, "", "operator:anna")
    async with calling(house) as client:
        result = await client.call_tool("list_approvals", {})

    assert result.meta is not None
    [card] = result.meta[CARDS]
    assert (card["state"], card["needed"], card["has_voted"]) == ("pending", 2, True)
    [words, _] = result.content
    assert isinstance(words, TextContent)
    assert "1 of 2 said yes" in words.text


async def test_a_job_comes_with_links_to_its_film_and_picture(house: House) -> None:
    """Point 10: what is large is linked, not carried."""
    row = await approvals.get(house.office.database.pool, await house.ask())
    async with calling(house) as client, house.browser() as browser:
        result = await client.call_tool("get_job", {"job_id": row.job_id})
        links = [one for one in result.content if isinstance(one, ResourceLink)]
        film = await browser.get(urlsplit(str(links[0].uri)).path)

    assert [one.name for one in links] == ["video.mp4", "thumbnail.jpg"]
    assert film.content == VIDEO


async def test_a_list_without_rows_says_so(house: House) -> None:
    async with calling(house) as client:
        result = await client.call_tool("list_approvals", {})

    [words] = result.content
    assert isinstance(words, TextContent)
    assert words.text == "No approval is in this list."
