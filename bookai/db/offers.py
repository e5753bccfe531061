"""The product catalogue and the tracked links: what may be recommended, and by which video."""

import asyncio
import hashlib
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any, Protocol

from bookai.db import audit
from bookai.db.pool import Con, Pool
from bookai.errors import OperatorNeeded, Refused
from bookai.models import Offer
from bookai.text.lists.sheet import MAX_BYTES
from bookai.text.product_list import Product, check_products, parse_products

ACTOR = "studio"

# Two imports at once would update each other's rows in another order, and wait for each other.
LOCK_CATALOGUE = "SELECT pg_advisory_xact_lock(hashtext('bookai.affiliate_products'))"
INSERT_NETWORKS = """
INSERT INTO affiliate_networks (name)
SELECT unnest($1::text[])
ON CONFLICT DO NOTHING
"""
UPSERT_PRODUCT = """
INSERT INTO affiliate_products AS p
       (network, sku, name, category, price_minor, currency, commission_bps, url, terms, active)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
ON CONFLICT (network, sku) DO UPDATE
   SET name = excluded.name, category = excluded.category, price_minor = excluded.price_minor,
       currency = excluded.currency, commission_bps = excluded.commission_bps,
       url = excluded.url, terms = excluded.terms, active = excluded.active, updated_at = now()
 WHERE (p.name, p.category, p.price_minor, p.currency, p.commission_bps, p.url, p.terms, p.active)
       IS DISTINCT FROM
       (excluded.name, excluded.category, excluded.price_minor, excluded.currency,
        excluded.commission_bps, excluded.url, excluded.terms, excluded.active)
"""
HAS_PRODUCTS = "SELECT EXISTS (SELECT FROM affiliate_products)"
# A page that is gone earns nothing and annoys whoever clicks; it comes back when it answers.
SELECT_ACTIVE = """
SELECT product_id, name, network, url, price_minor, currency, category, terms
  FROM affiliate_products p
 WHERE active
   AND NOT EXISTS (SELECT FROM offer_checks c
                    WHERE c.product_id = p.product_id AND c.url = p.url AND c.state = 'dead')
 ORDER BY product_id
"""
SELECT_PRODUCT = """
SELECT product_id, name, network, url, price_minor, currency, category, terms, active
  FROM affiliate_products
 WHERE product_id = $1
"""
SELECT_LINK = """
SELECT url
  FROM affiliate_links
 WHERE job_id = $1
   AND product_id = $2
"""
LOCK_JOB = "SELECT job_id FROM video_jobs WHERE job_id = $1 FOR SHARE"
# Without a target, so that of two at once the second yields at whichever index it meets first:
# the pair's own or that of the sub-id.
INSERT_LINK = """
INSERT INTO affiliate_links (job_id, product_id, sub_id, url)
VALUES ($1, $2, $3, $4)
ON CONFLICT DO NOTHING
RETURNING link_id
"""


class LinkMaker(Protocol):
    """What a network's plug-in can do; `tools/affiliates/` holds them."""

    def tracked_url(self, product_url: str, sub_id: str) -> str:
        """Return the link that tells the network who sent the customer."""


async def import_products(
    pool: Pool,
    source: Path | Collection[Product],
    *,
    actor: str = ACTOR,
    networks: Collection[str] | None = None,
) -> int:
    """Import products from a CSV file or from records; return how many there were.

    All rows or none: a product that is known by its network and SKU is updated. Where `networks`
    is given, a product of any other network is refused.

    Raises:
        Refused: a row is bad; each is named by its line, and nothing was imported.
        OperatorNeeded: the file cannot be read.
    """
    if isinstance(source, Path):
        content = await asyncio.to_thread(_read, source)
        name, digest = source.name, hashlib.sha256(content).hexdigest()
        products = parse_products(content, str(source))
    else:
        products, name, digest = tuple(source), "records", ""
        check_products(products)
    _refuse_strangers(products, networks)
    async with pool.acquire() as con, con.transaction():
        await con.execute(LOCK_CATALOGUE)
        await _write(con, products)
        body = {"products": len(products), "file": name, "sha256": digest}
        await audit.append(con, "offers.imported", actor, body)
    return len(products)


async def seed(pool: Pool, path: Path, *, actor: str = ACTOR) -> int:
    """Import the bundled catalogue where there is none at all; return how many products it has.

    Raises:
        Refused, OperatorNeeded: as `import_products` does.
    """
    if await pool.fetchval(HAS_PRODUCTS):
        return 0
    return await import_products(pool, path, actor=actor)


async def list_active(pool: Pool) -> tuple[Offer, ...]:
    """Return what is offered now, in the order of the first import; links untracked.

    A product whose page is gone is left out until the page answers again.
    """
    return tuple(_offer(row) for row in await pool.fetch(SELECT_ACTIVE))


async def make_link(
    pool: Pool, job_id: int, product_id: int, networks: Mapping[str, LinkMaker]
) -> Offer:
    """Return the offer with this job's own tracked link; the same link when asked twice.

    Raises:
        Refused: there is no such job or product, or the product is no longer offered.
        OperatorNeeded: no plug-in for the product's network is installed.
    """
    async with pool.acquire() as con, con.transaction():
        product = await con.fetchrow(SELECT_PRODUCT, product_id)
        if product is None:
            raise Refused(f"there is no product {product_id} in the catalogue.")
        known = await con.fetchval(SELECT_LINK, job_id, product_id)
        if known:
            return _offer(product, known)
        if not product["active"]:
            raise Refused(f"{product['name']!r} (product {product_id}) is no longer offered.")
        if await con.fetchval(LOCK_JOB, job_id) is None:
            raise Refused(f"there is no job {job_id}. `bookai jobs` lists them.")
        # Hexadecimal digits hold no "p", so that no two pairs share a sub-id.
        sub_id = f"v{job_id:x}p{product_id:x}"
        url = _maker(networks, product).tracked_url(product["url"], sub_id)
        if await con.fetchval(INSERT_LINK, job_id, product_id, sub_id, url):
            body = {"job_id": job_id, "product_id": product_id, "sub_id": sub_id, "url": url}
            await audit.append(con, "link.made", ACTOR, body | {"network": product["network"]})
            return _offer(product, url)
        # Another made it between our look and our insert; its word stands.
        known = await con.fetchval(SELECT_LINK, job_id, product_id)
        if known is None:
            raise Refused(f"the sub-id {sub_id!r} already belongs to another job's link.")
        return _offer(product, known)


def _read(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            # One byte over the limit is enough to know; the rest is never read.
            return file.read(MAX_BYTES + 1)
    except OSError as error:
        raise OperatorNeeded(
            f"{str(path)!r} cannot be read: {error.strerror}.",
            mend="Name a CSV file: bookai offers import FILE.csv",
        ) from error


def _refuse_strangers(products: Collection[Product], networks: Collection[str] | None) -> None:
    strange = sorted({p.network for p in products} - set(networks or ())) if networks else []
    if strange:
        raise Refused(
            f"nothing was imported: no plug-in for {', '.join(map(repr, strange))}. "
            f"Known networks: {', '.join(sorted(networks or ()))}. "
            "To add one, put its file into tools/affiliates/."
        )


async def _write(con: Con, products: Collection[Product]) -> None:
    await con.execute(INSERT_NETWORKS, sorted({p.network for p in products}))
    await con.executemany(
        UPSERT_PRODUCT,
        [
            (
                *(p.network, p.sku, p.name, p.category, p.price_minor, p.currency),
                *(p.commission_bps, p.url, list(p.terms), p.active),
            )
            for p in products
        ],
    )


def _maker(networks: Mapping[str, LinkMaker], product: Mapping[str, Any]) -> LinkMaker:
    name = product["network"]
    if name not in networks:
        raise OperatorNeeded(
            f"{product['name']!r} belongs to the network {name!r}, which has no plug-in.",
            mend=f"Add tools/affiliates/{name}.py, or import the product with active = no.",
        )
    return networks[name]


def _offer(row: Mapping[str, Any], url: str | None = None) -> Offer:
    return Offer(
        product_id=row["product_id"],
        name=row["name"],
        network=row["network"],
        url=url or row["url"],
        price_minor=row["price_minor"],
        currency=row["currency"],
        category=row["category"],
        terms=tuple(row["terms"]),
    )
