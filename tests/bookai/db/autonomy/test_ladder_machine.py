"""Any order of people's answers, rules, locks and days: the ladder is what a simple model says."""

import asyncio
from collections.abc import Coroutine, Iterator
from datetime import timedelta
from itertools import count
from typing import Any, TypeVar

import asyncpg
import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test

from bookai.db import approvals
from bookai.db.autonomy import ladder
from bookai.db.pool import open_pool
from bookai.errors import Refused
from bookai.models import PostEdit
from tests.bookai.db.approvals.asked import ANN, NOW
from tests.bookai.db.autonomy.climbing import TERMS, answer, asked, by_rule, granted
from tests.bookai.db.autonomy.clock import StandingClock

T = TypeVar("T")
_channels = count(1)


@pytest.fixture
def loop() -> Iterator[asyncio.AbstractEventLoop]:
    made = asyncio.new_event_loop()
    yield made
    made.close()


class Ladder(RuleBasedStateMachine):
    """One channel of its own, and what is expected of it."""

    loop: asyncio.AbstractEventLoop
    pool: asyncpg.Pool
    clock: StandingClock

    def __init__(self) -> None:
        super().__init__()
        self.channel = f"c{next(_channels)}"
        self.level, self.granted, self.row = "manual", True, 0
        self.now, self.used = NOW, 0
        self.clock.at = self.now
        self.earned = 0
        self.unsent: list[tuple[int, int]] = []
        self.do(granted(self.pool, self.channel))

    def do(self, work: Coroutine[Any, Any, T]) -> T:
        return self.loop.run_until_complete(work)

    def ask(self) -> int:
        self.clock.at = self.now = self.now + timedelta(minutes=1)
        return self.do(asked(self.pool, self.channel, now=self.now))

    def broken(self) -> None:
        if self.granted and self.row > 0:
            self.level = "locked" if self.level != "manual" else "manual"
            self.row = 0

    @rule()
    def yes(self) -> None:
        self.do(answer(self.pool, self.ask(), now=self.now))
        if self.granted:
            self.row += 1
            if self.row >= TERMS.after and self.level != "limited":
                self.level, self.earned = "limited", self.earned + 1

    @rule(edited=st.booleans())
    def no_or_edit(self, edited: bool) -> None:
        edit = PostEdit(title="Another") if edited else None
        self.do(answer(self.pool, self.ask(), edited, edit, self.now))
        self.broken()

    @rule(together=st.integers(1, 3))
    def by_rule(self, together: int) -> None:
        ids = [self.ask() for _ in range(together)]

        async def tried() -> int:
            async with asyncio.TaskGroup() as group:
                tasks = [group.create_task(self.try_rule(one)) for one in ids]
            said = [one for one, task in zip(ids, tasks, strict=True) if task.result()]
            self.unsent += [(one, self.earned) for one in said]
            return len(said)

        said = self.do(tried())
        allowed = TERMS.per_day - self.used if self.level == "limited" else 0
        assert said == min(together, max(0, allowed))
        self.used += said

    async def try_rule(self, approval_id: int) -> bool:
        try:
            await by_rule(self.pool, approval_id)
        except Refused:
            return False
        return True

    @rule()
    def taken_back(self) -> None:
        if self.unsent:
            row = self.do(answer(self.pool, self.unsent.pop()[0], False, now=self.now))
            assert row.state == "void"
            self.broken()

    @rule(level=st.sampled_from(["locked", "manual"]))
    def locked(self, level: ladder.Fallen) -> None:
        done = self.do(ladder.lock(self.pool, self.channel, "x", ANN, level=level))
        assert done == self.granted
        if self.granted:
            self.level, self.granted, self.row = level, False, 0

    @rule()
    def granted_anew(self) -> None:
        self.do(ladder.grant(self.pool, self.channel, TERMS, ANN))
        self.level, self.granted, self.row = "manual", True, 0

    @rule()
    def next_day(self) -> None:
        self.clock.at = self.now = self.now + timedelta(days=1)
        self.used = 0

    @invariant()
    def it_stands_where_it_must(self) -> None:
        found = self.do(ladder.get(self.pool, self.channel, self.now))
        assert found is not None
        stands = (found.level, found.granted, found.in_a_row, found.used_today)
        assert stands == (self.level, self.granted, self.row, self.used)
        assert found.used_today <= TERMS.per_day
        if self.unsent:
            row = self.do(approvals.get(self.pool, self.unsent[-1][0]))
            counts = self.do(self.counts(row))
            assert counts == (self.level == "limited" and self.unsent[-1][1] == self.earned)

    async def counts(self, row: approvals.Approval) -> bool:
        try:
            await approvals.check(self.pool, row.job_id, row.digest, row.requested_at)
        except Refused:
            return False
        return True


def test_the_ladder_is_what_a_simple_model_says(
    dsn: str, clock: StandingClock, loop: asyncio.AbstractEventLoop
) -> None:
    async def opened() -> asyncpg.Pool:
        Ladder.pool = await stack.__aenter__()
        return Ladder.pool

    stack = open_pool(dsn, size=4)
    Ladder.loop, Ladder.clock = loop, clock
    loop.run_until_complete(opened())
    try:
        run_state_machine_as_test(
            Ladder,
            settings=settings(
                max_examples=8,
                stateful_step_count=14,
                deadline=None,
                derandomize=True,
                suppress_health_check=list(HealthCheck),
            ),
        )
    finally:
        loop.run_until_complete(stack.__aexit__(None, None, None))
