import asyncio
import json
from pathlib import Path

import asyncpg
import pytest

import studio
from bookai.db import audit, offers
from bookai.errors import OperatorNeeded, Refused
from bookai.models import Offer
from bookai.text.product_list import Product
from tools.affiliates.catalogue import NETWORK

BUNDLED = Path(studio.__path__[0]) / "catalogue" / "offers.csv"
NETWORKS = {"catalogue": NETWORK}


def product(sku: str = "A-1", **changes: object) -> Product:
    plain: dict[str, object] = {
        "network": "catalogue",
        "sku": sku,
        "name": "Wall clock",
        "category": "clocks",
        "price_minor": 3990,
        "currency": "EUR",
        "commission_bps": 600,
        "url": "https://example.com/a",
        "terms": ("clock", "wall clock"),
    }
    return Product.model_validate(plain | changes)


async def link_rows(pool: asyncpg.Pool) -> int:
    return int(await pool.fetchval("SELECT count(*) FROM affiliate_links"))


async def bodies(pool: asyncpg.Pool, kind: str) -> list[dict[str, object]]:
    return [json.loads(event.body) for event in await audit.search(pool, kind=kind)]


async def test_the_bundled_catalogue_is_imported_once(pool: asyncpg.Pool) -> None:
    count = await offers.seed(pool, BUNDLED)

    assert count >= 200
    assert len(await offers.list_active(pool)) == count
    assert await offers.seed(pool, BUNDLED) == 0
    assert len(await bodies(pool, "offers.imported")) == 1


async def test_importing_again_updates_by_network_and_sku(pool: asyncpg.Pool) -> None:
    await offers.import_products(pool, [product(), product("A-2")])
    before = await offers.list_active(pool)

    await offers.import_products(pool, [product(price_minor=2990, terms=("clock",))])

    first, second = await offers.list_active(pool)
    assert first == before[0].model_copy(update={"price_minor": 2990, "terms": ("clock",)})
    assert second == before[1]


async def test_a_product_can_be_taken_out(pool: asyncpg.Pool) -> None:
    await offers.import_products(pool, [product(), product("A-2")])

    await offers.import_products(pool, [product(active=False)])

    assert len(await offers.list_active(pool)) == 1


async def test_one_bad_row_imports_nothing(pool: asyncpg.Pool, tmp_path: Path) -> None:
    path = tmp_path / "mine.csv"
    good = BUNDLED.read_text(encoding="utf-8").splitlines()[:3]
    path.write_text("\n".join([*good, good[1].replace("EUR", "Euro").replace("001", "900")]))

    with pytest.raises(Refused, match=r"mine\.csv: nothing was imported, 1 faults:\nline 4: curr"):
        await offers.import_products(pool, path)

    assert await offers.list_active(pool) == ()
    assert await bodies(pool, "offers.imported") == []


async def test_an_import_is_audited_with_its_digest(pool: asyncpg.Pool) -> None:
    count = await offers.import_products(pool, BUNDLED, actor="operator:ann")

    [event] = await audit.search(pool, kind="offers.imported")
    body = json.loads(event.body)
    assert event.actor == "operator:ann"
    assert (body["products"], body["file"], len(body["sha256"])) == (count, "offers.csv", 64)


async def test_a_network_without_a_plug_in_is_refused_where_they_are_known(
    pool: asyncpg.Pool,
) -> None:
    with pytest.raises(Refused, match="no plug-in for 'awin'"):
        await offers.import_products(pool, [product(network="awin")], networks=NETWORKS)

    assert await offers.list_active(pool) == ()


async def test_a_file_that_is_not_there_is_named(pool: asyncpg.Pool, tmp_path: Path) -> None:
    with pytest.raises(OperatorNeeded, match=r"no\.csv' cannot be read"):
        await offers.import_products(pool, tmp_path / "no.csv")


async def test_a_link_is_the_jobs_own_and_the_same_when_asked_again(
    pool: asyncpg.Pool, job_id: int
) -> None:
    await offers.import_products(pool, [product()])
    [offer] = await offers.list_active(pool)

    first = await offers.make_link(pool, job_id, offer.product_id, NETWORKS)
    again = await offers.make_link(pool, job_id, offer.product_id, NETWORKS)

    tracked = f"https://example.com/a?subid=v{job_id:x}p{offer.product_id:x}"
    assert first == again == offer.model_copy(update={"url": tracked})
    assert await link_rows(pool) == 1
    [event] = await bodies(pool, "link.made")
    assert (event["job_id"], event["product_id"], event["url"]) == (
        job_id,
        offer.product_id,
        tracked,
    )


async def test_a_link_stays_when_the_product_changes(pool: asyncpg.Pool, job_id: int) -> None:
    await offers.import_products(pool, [product()])
    [offer] = await offers.list_active(pool)
    first = await offers.make_link(pool, job_id, offer.product_id, NETWORKS)

    await offers.import_products(pool, [product(url="https://example.org/b", active=False)])

    assert await offers.make_link(pool, job_id, offer.product_id, NETWORKS) == first


async def test_ten_askers_at_once_get_one_link_and_one_event(
    pool: asyncpg.Pool, job_id: int
) -> None:
    await offers.import_products(pool, [product()])
    [offer] = await offers.list_active(pool)

    async with asyncio.TaskGroup() as group:
        tasks = [
            group.create_task(offers.make_link(pool, job_id, offer.product_id, NETWORKS))
            for _ in range(10)
        ]

    links: set[Offer] = {task.result() for task in tasks}
    assert len(links) == 1
    assert await link_rows(pool) == len(await bodies(pool, "link.made")) == 1


async def test_a_link_and_its_audit_event_are_one_thing(pool: asyncpg.Pool, job_id: int) -> None:
    class Greedy:
        def tracked_url(self, product_url: str, sub_id: str) -> str:
            return f"ftp://example.com/{sub_id}"

    await offers.import_products(pool, [product()])
    [offer] = await offers.list_active(pool)

    with pytest.raises(asyncpg.CheckViolationError):
        await offers.make_link(pool, job_id, offer.product_id, {"catalogue": Greedy()})

    assert await link_rows(pool) == 0
    assert await bodies(pool, "link.made") == []


async def test_a_missing_product_job_or_network_is_named(pool: asyncpg.Pool, job_id: int) -> None:
    await offers.import_products(pool, [product(), product("A-2", network="awin")])
    clock, other = await offers.list_active(pool)

    with pytest.raises(Refused, match="no product 999"):
        await offers.make_link(pool, job_id, 999, NETWORKS)
    with pytest.raises(Refused, match="no job 999"):
        await offers.make_link(pool, 999, clock.product_id, NETWORKS)
    with pytest.raises(OperatorNeeded, match=r"'awin', which has no plug-in.*affiliates/awin\.py"):
        await offers.make_link(pool, job_id, other.product_id, NETWORKS)


async def test_a_product_that_is_no_longer_offered_gets_no_new_link(
    pool: asyncpg.Pool, job_id: int
) -> None:
    await offers.import_products(pool, [product()])
    [offer] = await offers.list_active(pool)
    await offers.import_products(pool, [product(active=False)])

    with pytest.raises(Refused, match="no longer offered"):
        await offers.make_link(pool, job_id, offer.product_id, NETWORKS)


async def test_the_program_may_not_rewrite_links_or_earnings(pool: asyncpg.Pool) -> None:
    for statement in (
        "DELETE FROM affiliate_links",
        "DELETE FROM affiliate_clicks",
        "DELETE FROM affiliate_conversions",
        "UPDATE affiliate_links SET url = 'https://example.org'",
        "UPDATE affiliate_conversions SET commission_minor = 1",
        "TRUNCATE affiliate_conversions",
    ):
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await pool.execute(statement)
