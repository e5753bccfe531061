"""Product pages: a dead one is marked, named and not offered, and comes back when it answers."""

import json
from collections.abc import AsyncIterator
from datetime import datetime, timedelta

import pytest

from bookai.db import audit, offers
from bookai.db.results import pages
from bookai.settings import Settings
from bookai.text.product_list import Product
from studio.office import Office, open_office
from studio.results import refresh_links
from tests.bookai.db.test_offers import product
from tests.peers.web_server import Page, WebServer
from tests.studio.results.posted import later


@pytest.fixture
async def web() -> AsyncIterator[WebServer]:
    async with WebServer() as server:
        yield server


@pytest.fixture
async def shop(settings: Settings) -> AsyncIterator[Office]:
    """An office that may look at our own web server, with nothing in its catalogue yet."""
    allowed = settings.model_copy(update={"allow_private": ("127.0.0.1",)})
    async with open_office(allowed) as opened:
        rows = await opened.database.pool.fetch(
            "UPDATE affiliate_products SET active = false RETURNING product_id"
        )
        assert rows
        yield opened


def sold(web: WebServer, **paths: str) -> list[Product]:
    return [product(sku, name=sku, url=web.url(path)) for sku, path in paths.items()]


async def offered(office: Office) -> list[str]:
    return [one.name for one in await offers.list_active(office.database.pool)]


async def test_a_page_that_is_gone_twice_is_named_and_not_offered(
    shop: Office, web: WebServer
) -> None:
    pool = shop.database.pool
    await offers.import_products(pool, sold(web, clock="/ok", lamp="/404"))

    first = await refresh_links(shop, later())
    between = await offered(shop)
    second = await refresh_links(shop, later(hours=21))

    assert first == "1 answer, 1 missing"
    assert between == ["clock", "lamp"]
    assert second == "1 missing; not offered, as their page is gone: lamp (catalogue lamp)"
    assert await offered(shop) == ["clock"]
    [event] = await audit.search(pool, kind="offer.dead")
    assert json.loads(event.body)["sku"] == "lamp"


async def test_it_is_offered_again_when_its_page_answers(shop: Office, web: WebServer) -> None:
    pool = shop.database.pool
    await offers.import_products(pool, sold(web, lamp="/lamp"))
    for hours in (0, 21):
        await refresh_links(shop, later(hours=hours))
    assert await offered(shop) == []
    web.pages["/lamp"] = Page(b"here", "text/html")

    await refresh_links(shop, later(days=9))

    assert await offered(shop) == ["lamp"]
    assert [one.kind for one in await audit.search(pool, kind="offer.")] == [
        "offer.back",
        "offer.dead",
    ]


async def test_a_new_address_is_a_new_page(shop: Office, web: WebServer) -> None:
    pool = shop.database.pool
    await offers.import_products(pool, sold(web, lamp="/404"))
    for hours in (0, 21):
        await refresh_links(shop, later(hours=hours))

    await offers.import_products(pool, sold(web, lamp="/ok"))

    assert await offered(shop) == ["lamp"]
    assert await refresh_links(shop, later(hours=22)) == "1 answer"


async def test_a_corrected_address_that_does_not_tell_is_not_dead_for_the_old_one(
    shop: Office, web: WebServer
) -> None:
    pool = shop.database.pool
    await offers.import_products(pool, sold(web, lamp="/404"))
    for hours in (0, 21):
        await refresh_links(shop, later(hours=hours))

    await offers.import_products(pool, sold(web, lamp="/busy"))
    await refresh_links(shop, later(hours=22))

    assert await offered(shop) == ["lamp"]
    assert await pages.dead(pool) == ()


async def test_a_shop_that_does_not_tell_is_no_dead_page(shop: Office, web: WebServer) -> None:
    paths = {"a": "/500", "b": "/busy", "c": "/forbidden", "d": "/told-huge"}
    await offers.import_products(shop.database.pool, sold(web, **paths))

    for days in (0, 8, 16):
        await refresh_links(shop, later(days=days))

    assert await offered(shop) == ["a", "b", "c", "d"]


async def test_an_example_is_never_asked_for(shop: Office, web: WebServer) -> None:
    await offers.import_products(shop.database.pool, [product()])

    assert await refresh_links(shop, later()) == "1 are examples"
    assert await offered(shop) == ["Wall clock"]


async def test_each_product_has_its_turn_within_a_week(shop: Office, web: WebServer) -> None:
    pool = shop.database.pool
    await offers.import_products(pool, [product(f"S-{number}") for number in range(70)])

    now: datetime = later()
    daily = await pages.due(pool, now, timedelta(days=1), 5, 50)
    weekly = await pages.due(pool, now, timedelta(days=7), 5, 50)

    assert (len(daily), len(weekly)) == (10, 50)
