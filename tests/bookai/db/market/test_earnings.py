"""What was earned: the ledger read back, currency by currency, and what zero may hide."""

import asyncio
import json
from collections.abc import Sequence
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import asyncpg
import pytest

from bookai.db import audit, offers
from bookai.db.market import earnings
from bookai.db.market.reports import import_report
from bookai.db.pool import Pool
from bookai.errors import Refused
from bookai.market import EarningsBy, EarningsReport, ImportedReport, Money
from tests.bookai.db.test_offers import NETWORKS, product

NOW = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
FIRST, LAST = date(2026, 11, 1), date(2026, 11, 24)
HEADER = (
    "network,external_id,sub_id,state,sale_minor,commission_minor,currency,occurred_at,reported_at"
)


@pytest.fixture
async def sub_id(pool: Pool, job_id: int) -> str:
    """The sub-id of a link of ours."""
    await offers.import_products(pool, [product()])
    [offer] = await offers.list_active(pool)
    made = await offers.make_link(pool, job_id, offer.product_id, NETWORKS)
    return made.url.rpartition("=")[2]


def sale(  # a row of the network's report
    sub_id: str,
    state: str,
    commission: int,
    *,
    number: str = "S-1",
    currency: str = "EUR",
    at: str = "2026-11-20T23:30:00Z",
    told: str = "2026-11-21T00:00:00Z",
) -> str:
    return (
        f"catalogue,{number},{sub_id},{state},{commission * 10},{commission},{currency},{at},{told}"
    )


async def imported(
    pool: Pool, folder: Path, rows: Sequence[str], header: str = HEADER
) -> ImportedReport:
    path = folder / "report.csv"
    await asyncio.to_thread(path.write_text, "\n".join([header, *rows]))
    return await import_report(pool, path, NOW, actor="operator:ann")


async def summed(
    pool: Pool, by: EarningsBy = "day", zone: str = "UTC", limit: int = 100
) -> EarningsReport:
    begin = datetime.combine(FIRST, time(), ZoneInfo(zone))
    end = datetime.combine(LAST, time(), ZoneInfo(zone))
    return await earnings.sum_up(pool, earnings.Span(begin, end, zone), by, limit)


def money(currency: str = "EUR", **amounts: int) -> Money:
    known = {"sales": 1, "pending": 0, "confirmed": 0, "paid": 0, "reversed": 0}
    return Money.model_validate({"currency": currency, **known, **amounts})


LATER = {"told": "2026-11-22T00:00:00Z"}
LAST_WORD = {"told": "2026-11-23T00:00:00Z"}


# Each case in a currency of its own: what the network said in turn, and what stands in the end.
STANDING: dict[str, tuple[list[tuple[str, int, dict[str, str]]], dict[str, int]]] = {
    "CHF": ([("pending", 300, {})], {"pending": 300}),
    "DKK": ([("pending", 300, {}), ("approved", 280, LATER)], {"confirmed": 280}),
    "EUR": (
        [("pending", 300, {}), ("approved", 280, LATER), ("paid", 280, LAST_WORD)],
        {"confirmed": 280, "paid": 280},
    ),
    "GBP": ([("pending", 300, {}), ("reversed", -300, LATER)], {"reversed": -300}),
    "JPY": (
        [("approved", 300, {}), ("reversed", -100, LATER)],
        {"confirmed": 200, "reversed": -100},
    ),
    "NOK": (
        [("approved", 300, {}), ("reversed", -100, LATER), ("paid", 200, LAST_WORD)],
        {"confirmed": 200, "paid": 200},
    ),
    "PLN": ([("reversed", -100, {})], {"confirmed": -100, "reversed": -100}),
    "USD": ([("approved", 0, {})], {}),
}


async def test_the_networks_last_word_stands_less_what_was_taken_back(
    pool: Pool, sub_id: str, tmp_path: Path
) -> None:
    rows = [
        sale(sub_id, state, amount, number=code, currency=code, **more)
        for code, (words, _) in STANDING.items()
        for state, amount, more in words
    ]
    await imported(pool, tmp_path, rows)

    wanted = tuple(money(**amounts, currency=code) for code, (_, amounts) in STANDING.items())
    assert (await summed(pool)).money == wanted


async def test_currencies_are_never_added_up(pool: Pool, sub_id: str, tmp_path: Path) -> None:
    rows = [
        sale(sub_id, "approved", 300),
        sale(sub_id, "approved", 500, number="S-2", currency="USD"),
        sale(sub_id, "pending", 7, number="S-3"),
    ]
    await imported(pool, tmp_path, rows)

    report = await summed(pool, "channel")

    both = (money(sales=2, confirmed=300, pending=7), money(confirmed=500, currency="USD"))
    assert report.money == both
    assert [(row.key, row.money) for row in report.rows] == [("default", both)]


async def test_a_day_is_that_of_the_asked_zone(pool: Pool, sub_id: str, tmp_path: Path) -> None:
    await imported(pool, tmp_path, [sale(sub_id, "approved", 300)])

    days = [(await summed(pool, zone=zone)).rows[0].key for zone in ("UTC", "Europe/Berlin")]

    assert days == ["2026-11-20", "2026-11-21"]


async def test_each_grouping_names_what_earned(
    pool: Pool, sub_id: str, job_id: int, tmp_path: Path
) -> None:
    await imported(pool, tmp_path, [sale(sub_id, "approved", 300)])

    by_video, by_product = await summed(pool, "video"), await summed(pool, "product")

    assert [row.key for row in by_video.rows] == [str(job_id)]
    assert [row.label for row in by_product.rows] == ["Wall clock"]


async def test_a_commission_of_no_link_of_ours_is_told_apart(
    pool: Pool, sub_id: str, tmp_path: Path
) -> None:
    done = await imported(pool, tmp_path, [sale("zzz", "approved", 300)])

    [row] = (await summed(pool, "video")).rows

    assert (done.new, done.strange) == (1, 1)
    assert (row.key, row.label, row.money) == (None, "no link of ours", (money(confirmed=300),))


async def test_the_same_report_twice_earns_once(pool: Pool, sub_id: str, tmp_path: Path) -> None:
    rows = [sale(sub_id, "pending", 300), sale(sub_id, "pending", 300)]

    first, again = await imported(pool, tmp_path, rows), await imported(pool, tmp_path, rows)

    assert (first.new, first.known, again.new, again.known) == (1, 1, 0, 2)
    assert (await summed(pool)).money == (money(pending=300),)
    told = await audit.search(pool, kind="earnings.imported")
    assert [json.loads(event.body)["new"] for event in told] == [0, 1]


async def test_two_imports_at_once_earn_once(pool: Pool, sub_id: str, tmp_path: Path) -> None:
    rows = [sale(sub_id, "pending", 10, number=f"S-{n}") for n in range(30)]
    folders = [tmp_path / name for name in ("a", "b", "c")]
    for folder in folders:
        folder.mkdir()

    async with asyncio.TaskGroup() as group:
        for folder in folders:
            group.create_task(imported(pool, folder, rows))

    assert (await summed(pool)).money == (money(sales=30, pending=300),)


async def test_another_amount_for_the_same_word_is_refused_and_nothing_is_kept(
    pool: Pool, sub_id: str, tmp_path: Path
) -> None:
    await imported(pool, tmp_path, [sale(sub_id, "pending", 300)])

    rows = [sale(sub_id, "pending", 5, number="S-2"), sale(sub_id, "pending", 900)]
    with pytest.raises(Refused, match=r"'S-1' .* was pending with 300 EUR .* says 900 EUR"):
        await imported(pool, tmp_path, rows)

    assert (await summed(pool)).money == (money(pending=300),)


async def test_a_network_nobody_knows_is_refused_by_name(pool: Pool, tmp_path: Path) -> None:
    with pytest.raises(Refused, match=r"no product is of 'catalogue'.*bookai offers import"):
        await imported(pool, tmp_path, [sale("v1p1", "pending", 1)])


async def test_clicks_count_once_and_never_for_a_strange_link(
    pool: Pool, sub_id: str, tmp_path: Path
) -> None:
    header = "network,sub_id,clicked_at,reference"
    rows = [
        f"catalogue,{sub_id},2026-11-20T10:00:00Z,c-1",
        f"catalogue,{sub_id},2026-11-20T11:00:00Z,c-2",
        "catalogue,zzz,2026-11-20T12:00:00Z,c-3",
        f"catalogue,{sub_id},2026-10-20T12:00:00Z,c-4",
    ]

    done = await imported(pool, tmp_path, rows, header)
    again = await imported(pool, tmp_path, rows, header)
    report = await summed(pool)

    assert done == ImportedReport(kind="clicks", rows=4, new=3, known=0, strange=1)
    assert again == ImportedReport(kind="clicks", rows=4, new=0, known=3, strange=1)
    assert (report.clicks, [row.clicks for row in report.rows]) == (2, [2])


async def test_nothing_read_and_nothing_earned_are_told_apart(
    pool: Pool, sub_id: str, tmp_path: Path
) -> None:
    never = await summed(pool)
    late = f"{NOW - timedelta(hours=1):%Y-%m-%dT%H:%M:%SZ}"
    await imported(pool, tmp_path, [sale("zzz", "pending", 0, at=late, told=late)])
    read = await summed(pool)

    assert [one.read_at for one in never.reports] == [None, None]
    assert "Never read, so not known: clicks of catalogue, conversions of catalogue." in never.note
    assert [(one.kind, one.complete) for one in read.reports] == [
        ("clicks", False),
        ("conversions", True),
    ]
    assert "conversions" not in read.note


async def test_a_report_read_before_the_ranges_end_is_said_to_be_unfinished(
    pool: Pool, sub_id: str, tmp_path: Path
) -> None:
    await imported(pool, tmp_path, [sale(sub_id, "pending", 1)])
    span = earnings.Span(NOW - timedelta(days=7), NOW + timedelta(days=1), "UTC")

    report = await earnings.sum_up(pool, span, "day", 9)

    assert "Nothing told of the range's last day, so more may come: conversions" in report.note


async def test_the_totals_count_rows_that_are_not_listed(
    pool: Pool, sub_id: str, tmp_path: Path
) -> None:
    days = [f"2026-11-{n:02}T10:00:00Z" for n in range(1, 11)]
    rows = [sale(sub_id, "approved", 10, number=f"S-{at}", at=at) for at in days]
    await imported(pool, tmp_path, rows)

    report = await summed(pool, limit=3)

    assert [row.key for row in report.rows] == ["2026-11-01", "2026-11-02", "2026-11-03"]
    assert (report.left_out, report.money) == (7, (money(sales=10, confirmed=100),))


async def test_the_application_cannot_change_what_was_read(pool: Pool) -> None:
    for table in ("earnings_reads", "affiliate_conversions"):
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await pool.execute(f"DELETE FROM {table}")  # noqa: S608  # names from above
