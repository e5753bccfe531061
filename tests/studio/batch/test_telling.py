from studio.batch.records import Made
from studio.batch.telling import Tally

NEVER_BEGUN = Made(row=9, digest="", ok=False)


def made(*, ok: bool = True) -> Made:
    return Made(row=1, digest="", ok=ok, seconds=2.0)


def test_the_line_says_how_many_how_fast_and_how_long_still() -> None:
    tally = Tally(total=100, began=50.0)
    for _ in range(10):
        tally.count(made())

    assert tally.line(50.0 + 60.0) == "10 of 100 · 10.0 a minute · 9:00 left"


def test_failures_are_told_and_long_waits_in_hours() -> None:
    tally = Tally(total=1002, began=0.0)
    tally.count(made(ok=False))

    assert tally.line(10.0) == "1 of 1002 · 6.0 a minute · 2:46:50 left · 1 failed"


def test_rows_that_cost_nothing_say_nothing_of_the_speed() -> None:
    tally = Tally(total=5, began=0.0)
    tally.keep()
    tally.count(NEVER_BEGUN)

    assert tally.line(1.0) == "2 of 5 · 1 failed"

    tally.count(made())
    assert tally.line(60.0) == "3 of 5 · 1.0 a minute · 2:00 left · 1 failed"
