"""Who is waited for, who goes first, and what is given up: where the queue meets the router."""

import asyncio
from random import Random

import pytest

from bookai.router import STEPS, WAIT, Dispatcher, Params, Router, TooLate

FAR = 1e9


def with_a_good_and_a_bad_one(params: Params) -> Router:
    """Return a router whose good member is busy and whose bad one is free."""
    router = Router(params, Random(1))
    for name in ("good", "bad"):
        router.add(name, {"write": 0.9}, now=0.0)
    for second in range(20):
        router.end(router.begin("bad", "write", second), "quality", 1.0, second)
    router.begin("good", "write", 20.0)
    router.beat("bad", 20.0)
    router.beat("good", 20.0)
    return router


def test_a_good_one_who_is_busy_is_waited_for_before_a_hopeless_one_is_asked() -> None:
    assert with_a_good_and_a_bad_one(Params(explore=0.0)).choose("write", 20.0) is WAIT


def test_a_hopeless_one_is_asked_when_the_good_one_has_failed_already() -> None:
    router = with_a_good_and_a_bad_one(Params(explore=0.0))

    assert router.choose("write", 20.0, exclude={"good"}) == "bad"


def test_nobody_waits_for_a_good_one_where_work_takes_hours() -> None:
    assert STEPS.hopeless == 0
    assert (
        with_a_good_and_a_bad_one(Params(explore=0.0, hopeless=0.0)).choose("write", 20.0) == "bad"
    )


async def settle() -> None:
    for _ in range(5):
        await asyncio.sleep(0)


@pytest.mark.parametrize(("edits_well", "first"), [(0.95, "edit"), (0.8, "write")])
async def test_who_is_free_takes_what_waits_long_and_suits_it(
    edits_well: float, first: str
) -> None:
    router = Router(Params(explore=0.0), Random(1))
    router.add("a", {"write": 0.5, "edit": edits_well}, now=0.0)
    time = [0.0]
    queue, served = Dispatcher(router, clock=lambda: time[0]), list[str]()

    async def visit(capability: str) -> None:
        async with await queue.acquire(capability, until=FAR):
            served.append(capability)

    async with asyncio.TaskGroup() as group, await queue.acquire("write", until=FAR):
        group.create_task(visit("write"))
        await settle()
        time[0] = 4.0
        group.create_task(visit("edit"))
        await settle()
        time[0] = 10.0

    # The writing has waited 10 s at a success of about 0.5, the editing 6 s at its own.
    assert served[0] == first


async def test_a_sixth_of_the_time_must_be_left_to_begin() -> None:
    router = Router(Params(explore=0.0), Random(1))
    router.add("a", {"write": 0.9}, now=0.0)
    time = [0.0]
    queue = Dispatcher(router, clock=lambda: time[0])

    async def visit() -> None:
        with pytest.raises(TooLate):
            await queue.acquire("write", until=12.0)

    async with asyncio.TaskGroup() as group, await queue.acquire("write", until=FAR):
        group.create_task(visit())
        await settle()
        time[0] = 10.1
        router.beat("a", 10.1)
