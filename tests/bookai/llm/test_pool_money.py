"""The pool and money: set aside before a call, booked after it, refused when it is spent."""

from datetime import datetime
from typing import Any

import pytest

from bookai.errors import BudgetSpent
from bookai.llm.base import CallFailed, Model, Price, Server
from bookai.llm.pool import ModelPool
from bookai.llm.serving.record import CallRecord
from bookai.testing import SCRIPTED, ScriptedProvider, scripted_pool
from tests.bookai.llm.conftest import MakeRequest
from tests.bookai.llm.titles import GOOD, SCHEMA, failing, has_title


@pytest.fixture
def make_request(make_request: MakeRequest) -> MakeRequest:
    return lambda **changes: make_request(**({"answer_schema": SCHEMA} | changes))


class Purse:
    """Spending that remembers; with `left` microcents."""

    def __init__(self, left: int = 10**9) -> None:
        self.left = left
        self.held: dict[str, int] = {}
        self.said: list[tuple[str, int]] = []

    async def reserve(self, provider: str, call_id: str, microcents: int, now: datetime) -> None:
        del now
        if microcents > self.left:
            raise BudgetSpent(f"today's budget of {provider} is spent", after_s=3600)
        self.held[call_id] = microcents

    async def settle(self, call_id: str, microcents: int) -> None:
        del self.held[call_id]
        self.said.append(("settled", microcents))

    async def release(self, call_id: str) -> None:
        del self.held[call_id]
        self.said.append(("released", 0))


def paid(*answers: Any, **changes: Any) -> tuple[ScriptedProvider, ModelPool]:
    """Return a provider that bills, and a pool with it and a free one."""
    ref, provider = f"paid/{SCRIPTED}", ScriptedProvider(*answers, name="paid")
    free = ScriptedProvider(GOOD, name="free")
    arguments: dict[str, Any] = {
        "models": {ref: Model(ref, price=Price(3, 15))},
        "servers": (Server("paid", "paid", bills=True), Server("free", "free")),
    }
    return provider, scripted_pool(provider, free, **(arguments | changes))


async def test_what_a_call_costs_is_set_aside_and_booked(
    make_request: MakeRequest, kept: list[CallRecord], recording: dict[str, Any]
) -> None:
    purse = Purse()
    _, pool = paid(GOOD, spending=purse, **recording)

    async with pool:
        await pool.ask(make_request(), has_title)

    assert (purse.said, purse.held) == ([("settled", 100 * 3 + 50 * 15)], {})
    assert kept[0].microcents == 1050


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (failing("infra", "connect"), [("released", 0)]),
        (failing("quality", "blanks", billed=(10, 10), retry=False), [("settled", 180)]),
    ],
)
async def test_a_failed_call_is_paid_as_far_as_it_was_billed(
    make_request: MakeRequest, error: CallFailed, said: list[tuple[str, int]]
) -> None:
    purse = Purse()
    _, pool = paid(error, spending=purse)

    async with pool:
        await pool.ask(make_request(), has_title)

    assert purse.said == said


async def test_a_call_that_broke_off_unbilled_is_booked_in_full(make_request: MakeRequest) -> None:
    purse = Purse()
    _, pool = paid(failing("timeout", "idle_timeout"), spending=purse)

    async with pool:
        await pool.ask(make_request(), has_title)

    assert purse.held == {}
    assert purse.said[0][1] > 1200 * 15


async def test_a_spent_budget_passes_over_all_models_of_its_provider(
    make_request: MakeRequest,
) -> None:
    provider, pool = paid(
        GOOD,
        spending=Purse(left=0),
        chains={"creative": (f"paid/{SCRIPTED}", f"free/{SCRIPTED}")},
    )

    async with pool:
        asked = await pool.ask(make_request(), has_title)

    assert provider.requests == []
    assert "budget of paid is spent" in asked.fallbacks[0].why


async def test_when_money_alone_is_missing_it_is_said_so(make_request: MakeRequest) -> None:
    _, pool = paid(GOOD, spending=Purse(left=0), chains={"creative": (f"paid/{SCRIPTED}",)})

    async with pool:
        with pytest.raises(BudgetSpent, match="budget of paid is spent") as caught:
            await pool.ask(make_request(), has_title)

    assert caught.value.after_s == 3600


async def test_a_server_that_bills_is_not_asked_where_nobody_keeps_money(
    make_request: MakeRequest,
) -> None:
    provider, pool = paid(GOOD)

    async with pool:
        asked = await pool.ask(make_request(), has_title)

    assert (provider.requests, asked.provider) == ([], "free")


async def test_a_free_server_costs_nothing_though_another_of_its_provider_bills(
    make_request: MakeRequest,
) -> None:
    purse = Purse(left=0)
    provider, pool = paid(GOOD, spending=purse, servers=(Server("paid", "paid"),))

    async with pool:
        asked = await pool.ask(make_request(), has_title)

    assert (asked.provider, len(provider.requests), purse.said) == ("paid", 1, [])


async def test_an_answer_that_was_paid_for_is_kept_though_it_cannot_be_booked(
    make_request: MakeRequest, kept: list[CallRecord], recording: dict[str, Any]
) -> None:
    class Broken(Purse):
        async def settle(self, call_id: str, microcents: int) -> None:
            raise ConnectionResetError("the database went away")

    purse = Broken()
    provider, pool = paid(GOOD, spending=purse, **recording)

    async with pool:
        asked = await pool.ask(make_request(), has_title)

    assert (asked.provider, len(provider.requests), len(kept)) == ("paid", 1, 1)
    assert len(purse.held) == 1  # it lapses, and counts in full
