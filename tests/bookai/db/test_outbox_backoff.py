from hypothesis import given
from hypothesis import strategies as st

from bookai.db.outbox.backoff import JITTER, LONGEST_S, wait_s

tries = st.integers(1, 200)
seconds = st.floats(0, 100_000)
chances = st.floats(0, 1)


@given(tries, seconds, chances)
def test_nobody_comes_back_before_the_platform_said(n: int, asked_s: float, chance: float) -> None:
    wait = wait_s(n, asked_s, chance)

    assert asked_s <= wait <= max(asked_s, LONGEST_S) * (1 + JITTER)


@given(tries, seconds, chances)
def test_each_try_waits_at_least_as_long_as_the_one_before(
    n: int, asked_s: float, chance: float
) -> None:
    assert wait_s(n, asked_s, chance) <= wait_s(n + 1, asked_s, chance)


def test_posts_that_failed_together_come_back_apart() -> None:
    assert len({wait_s(1, 60, chance / 10) for chance in range(10)}) == 10
