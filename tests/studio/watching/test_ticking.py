"""What the loop's metrics say of a tick."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from prometheus_client import REGISTRY

from bookai.db.loop import Tick
from studio.watching.ticking import leading, ticking

SLOT = datetime(2026, 11, 26, 9, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


def sample(name: str, **labels: str) -> float:
    return REGISTRY.get_sample_value(f"bookai_loop_{name}", labels) or 0.0


def grown(name: str, **labels: str) -> Callable[[], float]:
    before = sample(name, **labels)
    return lambda: sample(name, **labels) - before


def test_a_tick_is_counted_by_its_end_and_its_lag_is_from_its_slot() -> None:
    done, lag, count, merged = (
        grown("ticks_total", tick="plan", outcome="done"),
        grown("tick_lag_seconds_sum"),
        grown("tick_seconds_count", tick="plan"),
        grown("merged_slots_total"),
    )
    tick = Tick("plan", "news", SLOT, SLOT + MINUTE)
    with ticking(tick, 60, SLOT + timedelta(seconds=2)) as ending:
        ending.outcome = "done"

    assert (done(), lag(), count(), merged()) == (1, 2, 1, 0)


def test_slots_that_one_tick_settles_are_merged_but_the_first() -> None:
    merged = grown("merged_slots_total")
    with ticking(Tick("plan", "", SLOT, SLOT + 5 * MINUTE), 60, SLOT):
        pass

    assert merged() == 4


def test_a_tick_done_again_is_not_late_anew() -> None:
    retaken, lag = grown("retaken_ticks_total"), grown("tick_lag_seconds_count")
    with ticking(Tick("plan", "", SLOT, SLOT + MINUTE, tries=2), 60, SLOT + 30 * MINUTE):
        pass

    assert (retaken(), lag()) == (1, 0)


def test_a_tick_that_is_broken_off_has_failed() -> None:
    failed = grown("ticks_total", tick="disk", outcome="failed")
    with pytest.raises(KeyError), ticking(Tick("disk", "", SLOT, SLOT + MINUTE), 60, SLOT):
        raise KeyError

    assert failed() == 1


def test_who_leads_says_so_for_as_long() -> None:
    with leading(7):
        assert (sample("leader"), sample("epoch")) == (1, 7)

    assert (sample("leader"), sample("epoch")) == (0, 0)
