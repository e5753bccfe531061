"""What many ask at the same time is asked once."""

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime

from bookai.db import loop
from bookai.db.pool import Pool
from studio.loop.run import Runner
from studio.loop.schedule import Schedule
from studio.loop.together import Together

AT = datetime(2026, 3, 1, 12, tzinfo=UTC)


class Answering:
    """Doubles numbers, and keeps who was asked for together; `go` lets it answer."""

    def __init__(self) -> None:
        self.crowds: list[list[int]] = []
        self.begun, self.go = asyncio.Event(), asyncio.Event()

    async def __call__(self, numbers: Sequence[int]) -> list[int]:
        self.crowds.append(list(numbers))
        self.begun.set()
        await asyncio.sleep(0)
        await self.go.wait()
        if 13 in numbers:
            raise ConnectionError("no answer")
        return [2 * number for number in numbers]


async def test_whoever_comes_while_one_is_answered_shares_the_next_answer() -> None:
    answering = Answering()
    together = Together(answering)

    async with asyncio.TaskGroup() as group:
        asked = [group.create_task(together.ask(1))]
        await answering.begun.wait()
        asked += [group.create_task(together.ask(number)) for number in (2, 3, 4)]
        await asyncio.sleep(0)  # they have asked
        answering.go.set()

    assert [one.result() for one in asked] == [2, 4, 6, 8]
    assert answering.crowds == [[1], [2, 3, 4]]


async def test_an_error_reaches_all_who_shared_the_question_and_nobody_else() -> None:
    answering = Answering()
    together = Together(answering)
    first = asyncio.ensure_future(together.ask(1))
    await answering.begun.wait()
    both = [asyncio.ensure_future(together.ask(number)) for number in (13, 14)]
    answering.go.set()

    assert await first == 2
    ended = await asyncio.gather(*both, return_exceptions=True)
    assert [type(one) for one in ended] == [ConnectionError, ConnectionError]
    assert await together.ask(5) == 10


async def test_whoever_stops_waiting_is_not_answered() -> None:
    answering = Answering()
    together = Together(answering)

    async with asyncio.TaskGroup() as group:
        first = group.create_task(together.ask(1))
        await answering.begun.wait()
        gone = group.create_task(together.ask(2))
        last = group.create_task(together.ask(3))
        while not gone.cancelled():
            gone.cancel()
            await asyncio.sleep(0)
        answering.go.set()

    assert (first.result(), last.result()) == (2, 6)
    assert answering.crowds == [[1], [3]]


async def test_many_that_are_due_at_once_are_each_settled_once(pool: Pool) -> None:
    ran: list[int] = []

    def does(number: int) -> Schedule:
        async def run(_at: datetime) -> str:
            ran.append(number)
            if number == 7:
                raise ConnectionError("one of them fails")
            return f"did {number}"

        return Schedule("watch", str(number), 3600, run)

    epoch = await pool.fetchval("INSERT INTO loop_epochs (holder) VALUES ('a:1') RETURNING epoch")
    runner = Runner(pool, epoch, lambda: AT, at_once=8)
    wanted = [does(number) for number in range(60)]
    await runner.want(wanted)

    async with asyncio.TaskGroup() as group:
        for one in (*wanted, *wanted):
            group.create_task(runner.settle(one.name, one.scope))

    assert sorted(ran) == list(range(60))
    rows = {row.scope: row for row in await loop.list_(pool)}
    assert {row.state for key, row in rows.items() if key != "7"} == {"done"}
    assert (rows["7"].state, rows["8"].note) == ("failed", "did 8")
    assert await pool.fetchval("SELECT count(*) FROM loop_ticks") == 60


async def test_a_crowd_of_one_who_leads_no_more_takes_nothing(pool: Pool) -> None:
    async def run(_at: datetime) -> str:
        raise AssertionError("nobody may run it")

    epoch = await pool.fetchval("INSERT INTO loop_epochs (holder) VALUES ('a:1') RETURNING epoch")
    runner = Runner(pool, epoch, lambda: AT)
    wanted = [Schedule("plan", str(number), 3600, run) for number in range(5)]
    await runner.want(wanted)
    await pool.execute("UPDATE loop_epochs SET ended_at = now()")

    ended = await asyncio.gather(
        *(runner.settle(one.name, one.scope) for one in wanted), return_exceptions=True
    )

    assert [type(one) for one in ended] == [loop.Deposed] * 5
    assert await pool.fetchval("SELECT count(*) FROM loop_ticks") == 0
