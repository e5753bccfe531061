"""Read a network's report into the ledger: the same file twice changes nothing."""

import asyncio
import hashlib
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

from bookai.db import audit
from bookai.db.pool import Con, Pool
from bookai.errors import OperatorNeeded, Refused
from bookai.market import ImportedReport, ReportKind
from bookai.text.lists.earnings_list import Click, Conversion, parse_report
from bookai.text.lists.sheet import MAX_BYTES

# Two imports of overlapping reports at once would wait for each other's rows in another order.
LOCK_LEDGER = "SELECT pg_advisory_xact_lock(hashtext('bookai.affiliate_conversions'))"
KNOWN_NETWORKS = "SELECT name FROM affiliate_networks ORDER BY name"
SELECT_LINKS = """
SELECT l.sub_id, l.link_id, p.network
  FROM affiliate_links AS l
  JOIN affiliate_products AS p ON p.product_id = l.product_id
 WHERE l.sub_id = ANY ($1::text[])
"""
INSERT_CONVERSION = """
INSERT INTO affiliate_conversions
       (network, external_id, link_id, sub_id, state, sale_minor, commission_minor, currency,
        occurred_at, reported_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
ON CONFLICT (network, external_id, state, reported_at) DO NOTHING
RETURNING conversion_id
"""
SELECT_CONVERSION = """
SELECT sale_minor, commission_minor, currency
  FROM affiliate_conversions
 WHERE network = $1
   AND external_id = $2
   AND state = $3
   AND reported_at = $4
"""
INSERT_CLICK = """
INSERT INTO affiliate_clicks (link_id, clicked_at, source, reference)
VALUES ($1, $2, $3, $4)
ON CONFLICT (source, reference) DO NOTHING
RETURNING click_id
"""
INSERT_READ = """
INSERT INTO earnings_reads (network, kind, rows_new, newest_at, read_at)
VALUES ($1, $2, $3, $4, $5)
"""

Rows = tuple[Conversion, ...] | tuple[Click, ...]


async def import_report(pool: Pool, path: Path, now: datetime, *, actor: str) -> ImportedReport:
    """Read a CSV file of conversions or clicks: all rows, or none when one is bad.

    A row that is there already is counted as known. A conversion whose sub-id is none of ours is
    kept without a link; such a click is not kept, for nobody could be told whose it was.

    Raises:
        Refused: a row is bad, or says another amount than the same word of the network before.
        OperatorNeeded: the file cannot be read.
    """
    content = await asyncio.to_thread(_read, path)
    rows = parse_report(content, path.name, now)
    kind: ReportKind = "clicks" if isinstance(rows[0], Click) else "conversions"
    async with pool.acquire() as con, con.transaction():
        await con.execute(LOCK_LEDGER)
        await _refuse_strangers(con, rows)
        links = await _links(con, rows)
        new = dict.fromkeys(sorted({row.network for row in rows}), 0)
        strange = 0
        for row in rows:
            link = links.get((row.network, row.sub_id))
            strange += link is None
            new[row.network] += await _keep(con, row, link)
        for network, count in new.items():
            newest = max(_told_at(row) for row in rows if row.network == network)
            await con.execute(INSERT_READ, network, kind, count, newest, now)
        added = sum(new.values())
        known = len(rows) - added - (strange if kind == "clicks" else 0)
        done = ImportedReport(kind=kind, rows=len(rows), new=added, known=known, strange=strange)
        digest = hashlib.sha256(content).hexdigest()
        body = {**done.model_dump(), "file": path.name[:200], "sha256": digest}
        await audit.append(con, "earnings.imported", actor, body)
    return done


async def _keep(con: Con, row: Conversion | Click, link: int | None) -> int:
    """Return 1 when the row is new."""
    if isinstance(row, Click):
        if link is None:
            return 0
        source = (link, row.clicked_at, row.network, row.reference)
        return int(await con.fetchval(INSERT_CLICK, *source) is not None)
    told = (row.sale_minor, row.commission_minor, row.currency)
    whose = (row.network, row.external_id, link, row.sub_id or None, row.state)
    when = (row.occurred_at, row.reported_at)
    if await con.fetchval(INSERT_CONVERSION, *whose, *told, *when):
        return 1
    same = (row.network, row.external_id, row.state, row.reported_at)
    before = tuple(await con.fetchrow(SELECT_CONVERSION, *same))
    if before != told:
        raise Refused(
            f"nothing was imported: sale {row.external_id!r} of {row.network!r} was {row.state} "
            f"with {before[1]} {before[2]} at {row.reported_at:%Y-%m-%d %H:%M:%S}, and this file "
            f"says {row.commission_minor} {row.currency}. A correction needs a later reported_at."
        )
    return 0


async def _refuse_strangers(con: Con, rows: Rows) -> None:
    known = [row["name"] for row in await con.fetch(KNOWN_NETWORKS)]
    if strange := sorted({row.network for row in rows} - set(known)):
        raise Refused(
            f"nothing was imported: no product is of {', '.join(map(repr, strange))}. "
            f"Known networks: {', '.join(known) or 'none'}. "
            "Import their products first: bookai offers import FILE.csv"
        )


async def _links(con: Con, rows: Rows) -> dict[tuple[str, str], int]:
    """Return our links by network and sub-id: another network's sub-id says nothing."""
    asked: Sequence[str] = sorted({row.sub_id for row in rows})
    found = await con.fetch(SELECT_LINKS, asked)
    return {(row["network"], row["sub_id"]): row["link_id"] for row in found}


def _told_at(row: Conversion | Click) -> datetime:
    return row.clicked_at if isinstance(row, Click) else row.reported_at


def _read(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            # One byte over the limit is enough to know; the rest is never read.
            return file.read(MAX_BYTES + 1)
    except OSError as error:
        raise OperatorNeeded(
            f"{str(path)!r} cannot be read: {error.strerror}.",
            mend="Name a CSV file: bookai earnings import FILE.csv",
        ) from error
