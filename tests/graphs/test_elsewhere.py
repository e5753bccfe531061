"""Agents elsewhere: silent ones are asked no more, and their refusals need a word of our own."""

import pytest

from bookai.db.memory import DEAD_AFTER_S
from bookai.db.pool import Pool
from bookai.errors import Refused, TryLater
from tests.graphs.crew import crew
from tests.graphs.test_failover import Writer, raises, write


async def test_a_refusal_from_elsewhere_is_confirmed_by_one_of_our_own(pool: Pool) -> None:
    """A host that refuses everything must not end every job."""
    far, here = Writer("far_at_h", raises(Refused("no"))), Writer("here")
    here.proficiency = 0.5  # the other is asked first
    hands = crew(pool, here)
    hands.members.join(far, kind="remote")

    job = await write(hands, pool)

    assert job.script is not None
    assert (far.runs["write"], here.runs["write"]) == (1, 1)
    assert hands.members.router.expected("far_at_h", "write") < 0.9


async def test_a_refusal_from_elsewhere_that_is_confirmed_ends_the_job(pool: Pool) -> None:
    far, here = Writer("far_at_h", raises(Refused("no"))), Writer("here", raises(Refused("no!")))
    here.proficiency = 0.5  # the other is asked first
    hands = crew(pool, here)
    hands.members.join(far, kind="remote")

    with pytest.raises(Refused, match="no!"):
        await write(hands, pool)

    assert far.runs["write"] == 1


class Clock:
    """A time that stands until it is moved."""

    at = 1000.0

    def __call__(self) -> float:
        return self.at


async def test_whoever_was_silent_for_three_beats_is_asked_no_more(pool: Pool) -> None:
    clock, remote = Clock(), Writer("a_writer_at_host")
    hands = crew(pool, clock=clock)
    hands.members.join(remote, kind="remote")
    hands.members.join(Writer("writer"))
    assert [beat.agent for beat in hands.members.beats()] == ["a_writer_at_host", "writer"]

    clock.at += DEAD_AFTER_S + 1
    await write(hands, pool)

    assert remote.runs["write"] == 0
    assert [beat.agent for beat in hands.members.beats()] == ["writer"]
    hands.members.beat(remote.name)
    assert not hands.members.is_silent(remote.name)


async def test_when_everybody_is_silent_the_step_waits_and_says_for_whom(pool: Pool) -> None:
    clock = Clock()
    hands = crew(pool, clock=clock)
    hands.members.join(Writer("writer_at_host"), kind="remote")
    clock.at += DEAD_AFTER_S + 1

    with pytest.raises(TryLater, match="writer_at_host did not answer for three beats"):
        await write(hands, pool)
