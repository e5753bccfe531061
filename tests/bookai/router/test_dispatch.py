import asyncio
from random import Random

import pytest

from bookai.router import (
    Dispatcher,
    Lease,
    NobodyCan,
    Params,
    RetriesSpent,
    RetryBudget,
    Router,
    Saturated,
    TooLate,
)

FAR = 1e9


class Clock:
    """A clock that stands until it is set."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


class Hall:
    """A dispatcher over members with one slot each."""

    def __init__(self, *names: str, params: Params | None = None, max_waiting: int = 500) -> None:
        self.clock = Clock()
        self.router = Router(params or Params(explore=0.0), Random(1))
        for name in names:
            self.router.add(name, {"write": 0.9}, now=0.0)
        self.queue = Dispatcher(self.router, clock=self.clock, max_waiting=max_waiting)

    def free(self) -> list[str]:
        return [name for name in self.router.names if not self.router.state(name).in_flight]


async def settle() -> None:
    """Let every task that can go on do so."""
    for _ in range(5):
        await asyncio.sleep(0)


async def test_a_lease_holds_a_slot_until_it_ends() -> None:
    hall = Hall("a", "b")

    lease = await hall.queue.acquire("write", until=FAR)
    while_held = hall.free()
    lease.end("ok", 1.0)

    assert while_held == [name for name in ("a", "b") if name != lease.name]
    assert hall.free() == ["a", "b"]


async def test_a_lease_that_nobody_ended_is_cancelled_by_its_block() -> None:
    hall = Hall("a")

    with pytest.raises(ZeroDivisionError):
        async with await hall.queue.acquire("write", until=FAR):
            raise ZeroDivisionError

    assert hall.free() == ["a"]
    assert hall.router.explain("write", 0.0)[0].evidence == 0.0


async def test_a_lease_ends_once() -> None:
    hall = Hall("a")
    async with await hall.queue.acquire("write", until=FAR) as lease:
        lease.end("ok")

    with pytest.raises(RuntimeError, match="twice"):
        lease.end("ok")


async def test_a_lease_knows_every_candidate_as_it_was_chosen() -> None:
    hall = Hall("a", "b")

    lease = await hall.queue.acquire("write", until=FAR, exclude={"a"})

    assert [(score.name, score.excluded) for score in lease.scores] == [
        ("b", None),
        ("a", "tried already"),
    ]
    assert lease.name == "b"


async def test_those_who_wait_are_served_in_their_order() -> None:
    hall, served = Hall("a"), list[int]()

    async def visit(number: int) -> None:
        async with await hall.queue.acquire("write", until=FAR):
            served.append(number)

    async with asyncio.TaskGroup() as group, await hall.queue.acquire("write", until=FAR):
        for number in range(5):
            group.create_task(visit(number))
        await settle()

    assert served == [0, 1, 2, 3, 4]


async def test_the_newest_is_served_first_once_the_oldest_has_waited_long() -> None:
    hall, served = Hall("a", params=Params(newest_first=0.7)), list[int]()

    async def visit(number: int) -> None:
        async with await hall.queue.acquire("write", until=100.0):
            served.append(number)

    async with asyncio.TaskGroup() as group, await hall.queue.acquire("write", until=FAR):
        for number in range(3):
            group.create_task(visit(number))
            await settle()
            hall.clock.now += 10.0
            hall.router.beat("a", hall.clock.now)
        hall.clock.now = 75.0
        hall.router.beat("a", 75.0)

    assert served == [2, 1, 0]


async def test_what_can_no_longer_be_done_in_time_is_not_begun() -> None:
    hall = Hall("a", params=Params(shed_s=1.0))

    async with asyncio.TaskGroup() as group, await hall.queue.acquire("write", until=FAR):
        waiting = group.create_task(refused(hall, until=5.0))
        await settle()
        hall.clock.now = 4.5

    assert isinstance(await waiting, TooLate)


async def refused(hall: Hall, until: float, exclude: frozenset[str] = frozenset()) -> Exception:
    with pytest.raises(Exception, match=r".") as told:
        await hall.queue.acquire("write", until=until, exclude=exclude)
    assert isinstance(told.value, Exception)
    return told.value


async def test_waiting_ends_at_the_deadline_and_says_why_nobody_was_free() -> None:
    hall = Hall("a")
    await hall.queue.acquire("write", until=FAR)

    with pytest.raises(TimeoutError, match=r"a: full: 1 of 1 slots taken"):
        await hall.queue.acquire("write", until=0.01)

    assert hall.queue.waiting("write") == 0


async def test_nobody_with_the_capability_is_told_at_once() -> None:
    with pytest.raises(NobodyCan, match="nobody can 'edit'"):
        await Hall("a").queue.acquire("edit", until=FAR)


async def test_when_all_were_tried_it_is_told_at_once() -> None:
    with pytest.raises(NobodyCan, match="nobody is left for 'write' after a, b"):
        await Hall("a", "b").queue.acquire("write", until=FAR, exclude={"a", "b"})


async def test_a_full_queue_refuses_more() -> None:
    hall = Hall("a", max_waiting=1)

    async with asyncio.TaskGroup() as group, await hall.queue.acquire("write", until=FAR):
        first = group.create_task(hall.queue.acquire("write", until=FAR))
        await settle()
        with pytest.raises(Saturated):
            await hall.queue.acquire("write", until=FAR)

    (await first).end("ok")


async def test_a_second_try_that_waits_for_others_does_not_hold_up_the_queue() -> None:
    hall = Hall("a", "b")
    held = await hall.queue.acquire("write", until=FAR, exclude={"b"})
    other = await hall.queue.acquire("write", until=FAR)

    async with asyncio.TaskGroup() as group:
        retry = group.create_task(hall.queue.acquire("write", until=FAR, exclude={"a"}))
        await settle()
        behind = group.create_task(hall.queue.acquire("write", until=FAR))
        await settle()
        held.end("ok")
        lease = await behind
        waits = not retry.done()
        other.end("ok")

    assert waits
    assert (lease.name, (await retry).name) == ("a", "b")


async def test_a_first_try_takes_who_is_free_though_a_second_try_waits_for_others() -> None:
    hall = Hall("a", "b")
    held = await hall.queue.acquire("write", until=FAR)
    other = next(name for name in ("a", "b") if name != held.name)
    second = asyncio.ensure_future(hall.queue.acquire("write", until=FAR, exclude={other}))
    await settle()

    async with asyncio.timeout(20):
        first = await hall.queue.acquire("write", until=FAR)

    assert (first.name, second.done()) == (other, False)
    second.cancel()


async def test_one_who_is_cancelled_while_waiting_leaves_no_trace() -> None:
    hall = Hall("a")
    held = await hall.queue.acquire("write", until=FAR)
    waiting = asyncio.ensure_future(hall.queue.acquire("write", until=FAR))
    await settle()

    waiting.cancel()
    await settle()
    held.end("ok")

    assert (hall.queue.waiting("write"), hall.free()) == (0, ["a"])


async def test_a_slot_that_comes_in_the_moment_of_cancelling_goes_to_the_next() -> None:
    hall = Hall("a")
    held = await hall.queue.acquire("write", until=FAR)
    first = asyncio.ensure_future(hall.queue.acquire("write", until=FAR))
    second = asyncio.ensure_future(hall.queue.acquire("write", until=FAR))
    await settle()

    held.end("ok")
    first.cancel()
    lease = await second

    assert first.cancelled()
    lease.end("ok")
    assert hall.free() == ["a"]


async def test_one_who_is_paused_is_asked_again_when_the_pause_is_over() -> None:
    router = Router(Params(explore=0.0), Random(1))
    loop = asyncio.get_running_loop()
    router.add("a", {"write": 0.9}, now=loop.time())
    queue = Dispatcher(router, clock=loop.time)
    router.pause("a", loop.time(), 0.02)

    lease = await queue.acquire("write", until=loop.time() + 5)

    assert lease.name == "a"


async def test_one_who_joins_is_found_by_those_who_wait() -> None:
    hall = Hall("a")
    await hall.queue.acquire("write", until=FAR)
    waiting = asyncio.ensure_future(hall.queue.acquire("write", until=FAR))
    await settle()

    hall.router.add("b", {"write": 0.9}, now=0.0)
    hall.queue.wake()

    assert (await waiting).name == "b"


async def test_second_tries_stop_when_the_budget_is_spent() -> None:
    hall = Hall("a", "b")
    hall.queue.budget = RetryBudget(rate=0.5, burst=1.0)

    leases: list[Lease] = [await hall.queue.acquire("write", until=FAR, exclude={"a"})]
    with pytest.raises(RetriesSpent):
        await hall.queue.acquire("write", until=FAR, exclude={"b"})
    leases.append(await hall.queue.acquire("write", until=FAR))

    assert hall.queue.budget.tokens == 0.5


def test_a_budget_allows_a_share_of_retries_and_a_burst() -> None:
    budget = RetryBudget(rate=0.25, burst=2.0)

    burst = [budget.spend() for _ in range(3)]
    for _ in range(4):
        budget.earn()

    assert burst == [True, True, False]
    assert [budget.spend(), budget.spend()] == [True, False]
