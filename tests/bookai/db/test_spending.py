"""Money for model calls: never over the cap, whoever asks at once, and nothing is forgotten."""

import asyncio
from collections.abc import Awaitable
from datetime import UTC, datetime, timedelta

import asyncpg
import pytest

from bookai.db import audit
from bookai.db.spending import STALE, Budget, Ledger
from bookai.errors import BudgetSpent, Refused

NOON = datetime(2026, 11, 25, 12, tzinfo=UTC)
CENT = 1_000_000
SUMS = """
SELECT coalesce(sum(held) FILTER (WHERE state = 'held'), 0)::bigint AS held,
       coalesce(sum(spent), 0)::bigint AS spent
  FROM model_reservations
"""


@pytest.fixture
def ledger(pool: asyncpg.Pool) -> Ledger:
    return Ledger(pool, {"anthropic": 100 * CENT})


async def money(ledger: Ledger, now: datetime = NOON) -> tuple[int, int]:
    found = await ledger.look("anthropic", now)
    return found.held, found.spent


async def test_fifty_who_ask_at_once_never_pass_the_cap(pool: asyncpg.Pool, ledger: Ledger) -> None:
    async def ask(number: int) -> bool:
        try:
            await ledger.reserve("anthropic", f"c{number}", 7 * CENT, NOON)
        except BudgetSpent:
            return False
        await ledger.settle(f"c{number}", 7 * CENT)
        return True

    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(ask(number)) for number in range(50)]

    assert sum(task.result() for task in tasks) == 14
    assert await money(ledger) == (0, 98 * CENT)
    assert dict(await pool.fetchrow(SUMS)) == {"held": 0, "spent": 98 * CENT}


async def test_what_is_set_aside_counts_until_it_is_settled_at_what_it_cost(
    ledger: Ledger,
) -> None:
    await ledger.reserve("anthropic", "a", 90 * CENT, NOON)
    with pytest.raises(BudgetSpent):
        await ledger.reserve("anthropic", "b", 20 * CENT, NOON)

    await ledger.settle("a", 5 * CENT)

    await ledger.reserve("anthropic", "b", 20 * CENT, NOON)
    assert await money(ledger) == (20 * CENT, 5 * CENT)


async def test_a_call_that_was_never_billed_costs_nothing(ledger: Ledger) -> None:
    await ledger.reserve("anthropic", "a", 90 * CENT, NOON)

    await ledger.release("a")

    assert await money(ledger) == (0, 0)


async def test_settling_twice_or_what_was_released_changes_nothing(ledger: Ledger) -> None:
    for call_id in ("a", "b"):
        await ledger.reserve("anthropic", call_id, 10 * CENT, NOON)
    await ledger.settle("a", 3 * CENT)
    await ledger.release("b")

    later: tuple[Awaitable[None], ...] = (
        ledger.settle("a", 9 * CENT),
        ledger.release("a"),
        ledger.settle("b", 9 * CENT),
        ledger.settle("nobody", CENT),
    )
    for again in later:
        await again

    assert await money(ledger) == (0, 3 * CENT)


async def test_a_call_that_cost_more_than_was_set_aside_is_booked_in_full(ledger: Ledger) -> None:
    await ledger.reserve("anthropic", "a", 99 * CENT, NOON)

    await ledger.settle("a", 120 * CENT)

    assert (await ledger.look("anthropic", NOON)).left == 0
    with pytest.raises(BudgetSpent):
        await ledger.reserve("anthropic", "b", 1, NOON)


async def test_one_reservation_is_for_one_call(ledger: Ledger) -> None:
    await ledger.reserve("anthropic", "a", CENT, NOON)

    with pytest.raises(Refused, match="'a' has been paid for"):
        await ledger.reserve("anthropic", "a", CENT, NOON)

    assert await money(ledger) == (CENT, 0)


async def test_who_died_with_a_call_open_is_counted_in_full_until_someone_knows_better(
    pool: asyncpg.Pool, ledger: Ledger
) -> None:
    await ledger.reserve("anthropic", "dead", 30 * CENT, NOON)
    later = NOON + STALE + timedelta(seconds=1)

    await ledger.reserve("anthropic", "next", CENT, later)

    assert await money(ledger, later) == (CENT, 30 * CENT)
    await ledger.settle("dead", 2 * CENT)
    assert await money(ledger, later) == (CENT, 2 * CENT)
    kinds = [event.kind for event in await audit.search(pool)]
    assert sorted(kinds) == ["budget.lapsed", "budget.settled"]


async def test_a_refusal_says_what_is_spent_and_when_it_starts_anew(
    pool: asyncpg.Pool, ledger: Ledger
) -> None:
    await ledger.reserve("anthropic", "a", 99 * CENT, NOON)
    await ledger.settle("a", 99 * CENT)

    with pytest.raises(BudgetSpent) as refused:
        await ledger.reserve("anthropic", "b", 3 * CENT // 2, NOON)

    said = str(refused.value)
    assert "99.00 of 100.00 cents" in said
    assert "may cost 1.50" in said
    assert "00:00 UTC (2026-11-26)" in said
    assert "[models.budgets] anthropic" in said
    assert refused.value.after_s == 12 * 3600
    assert "budget.refused" in [event.kind for event in await audit.search(pool)]


async def test_the_next_day_in_utc_has_money_of_its_own(ledger: Ledger) -> None:
    await ledger.reserve("anthropic", "a", 100 * CENT, NOON)
    midnight = datetime(2026, 11, 26, tzinfo=UTC)

    with pytest.raises(BudgetSpent):
        await ledger.reserve("anthropic", "b", CENT, midnight - timedelta(seconds=1))
    await ledger.reserve("anthropic", "c", CENT, midnight)

    assert (await ledger.look("anthropic", midnight)).held == CENT


async def test_a_provider_without_a_budget_may_spend_nothing(ledger: Ledger) -> None:
    with pytest.raises(BudgetSpent, match="openai_compatible bills its calls and has no budget"):
        await ledger.reserve("openai_compatible", "a", 1, NOON)

    assert await ledger.look("openai_compatible", NOON) == Budget(
        provider="openai_compatible", day=NOON.date(), cap=None, held=0, spent=0
    )


async def test_who_is_cancelled_while_it_settles_has_it_booked(ledger: Ledger) -> None:
    await ledger.reserve("anthropic", "a", 10 * CENT, NOON)

    settling = asyncio.create_task(ledger.settle("a", 4 * CENT))
    await asyncio.sleep(0)
    settling.cancel()
    with pytest.raises(asyncio.CancelledError):
        await settling

    others = asyncio.all_tasks() - {asyncio.current_task()}
    await asyncio.wait(others, timeout=5)

    assert await money(ledger) == (0, 4 * CENT)


async def test_the_program_can_neither_lower_nor_delete_what_was_set_aside(
    pool: asyncpg.Pool, ledger: Ledger
) -> None:
    await ledger.reserve("anthropic", "a", CENT, NOON)

    for statement in (
        "UPDATE model_reservations SET held = 0",
        "UPDATE model_reservations SET made_at = now()",
        "DELETE FROM model_reservations",
        "DELETE FROM model_days",
    ):
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await pool.execute(statement)
