"""A fresh process that hears the past comes to what a long-running one knows."""

from random import Random

from hypothesis import given
from hypothesis import strategies as st

from bookai.router import STEPS, Outcome, Router
from bookai.router.evidence import Event, Evidence, Memory

OUTCOMES: list[Outcome] = ["ok", "refused", "quality", "infra", "timeout", "cancelled"]
EVENTS = st.lists(
    st.builds(
        Event,
        at=st.integers(0, 20_000).map(float),
        capability=st.sampled_from(["write", "edit"]),
        outcome=st.sampled_from(OUTCOMES),
        seconds=st.integers(1, 600).map(float),
    ),
    max_size=2 * STEPS.replay,
)


def memory_of(events: list[Event]) -> Memory:
    memory = Memory(salt=0.5)
    memory.declare({"write": 0.9, "edit": 0.8}, STEPS)
    for event in events:
        memory.take(event, STEPS)
    return memory


def numbers(evidence: Evidence) -> list[object]:
    health, breaker = evidence.health, evidence.breaker
    found: list[object] = [health.wins, health.losses, breaker.until, breaker.failures]
    for craft in evidence.crafts.values():
        tally = craft.skill.tally
        found += [tally.wins, tally.losses, craft.latency.seconds, craft.breaker.until]
    return found


@given(EVENTS, st.randoms(use_true_random=False))
def test_the_order_of_hearing_changes_nothing(events: list[Event], rng: Random) -> None:
    shuffled = list(events)
    rng.shuffle(shuffled)

    late, orderly = memory_of(shuffled), memory_of(sorted(events))

    assert numbers(late.evidence) == numbers(orderly.evidence)


@given(st.lists(st.integers(0, 10_000).map(float), max_size=200), st.randoms())
def test_however_late_successes_are_heard_of_they_count_by_age(
    times: list[float], rng: Random
) -> None:
    events = [Event(at, "write", "ok", 5.0) for at in times]
    shuffled = list(events)
    rng.shuffle(shuffled)

    late = memory_of(shuffled).evidence.crafts["write"].skill.tally
    orderly = memory_of(sorted(events)).evidence.crafts["write"].skill.tally

    now, half_life_s = 10_000.0, STEPS.skill_half_life_s
    heard, known = late.weighed(now, half_life_s), orderly.weighed(now, half_life_s)
    assert abs(heard[0] - known[0]) < 1e-6
    assert heard[1] == known[1] == 0.0


def test_a_fresh_router_with_the_past_equals_one_that_lived_through_it() -> None:
    past: list[tuple[float, Outcome]] = [(10.0, "ok"), (400.0, "quality"), (900.0, "timeout")]
    lived, fresh = Router(STEPS, Random(1)), Router(STEPS, Random(2))
    lived.add("a", {"write": 0.9}, now=0.0)
    for at, outcome in past:
        lived.end(lived.begin("a", "write", at - 5), outcome, 5.0, at)

    fresh.add("a", {"write": 0.9}, now=1000.0)
    for at, outcome in reversed(past):
        fresh.learn("a", "write", outcome, 5.0, 1000.0, at)

    assert fresh.state("a", 1000.0).success == lived.state("a", 1000.0).success


def test_a_breaker_is_open_in_a_fresh_process_if_the_last_outcomes_were_failures_just_now() -> None:
    fresh = Router(STEPS, Random(1))
    fresh.add("recent", {"write": 0.9}, now=1000.0)
    fresh.add("rested", {"write": 0.9}, now=1000.0)

    for ended_at in (960.0, 970.0, 990.0):
        fresh.learn("recent", "write", "infra", 1.0, 1000.0, ended_at)
        fresh.learn("rested", "write", "infra", 1.0, 1000.0, ended_at - 500)

    assert fresh.state("recent", 1000.0).breaker == "open"
    assert fresh.state("rested", 1000.0).breaker == "half_open"


def test_of_a_stranger_nothing_is_kept() -> None:
    router = Router(STEPS, Random(1))

    router.learn("nobody", "write", "ok", 1.0, 10.0, 5.0)

    assert router.names == ()
