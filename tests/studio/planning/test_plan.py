"""What a plan never does, whatever is counted; and that it says which limit bound it."""

from collections import Counter
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bookai.channels import ChannelSettings
from bookai.db.planning import Counts, Ended, Out, Underway
from studio.planning import Plan, plan
from studio.planning.platform import DAY, day_cap
from studio.planning.slots import slots_between

NOW = datetime(2026, 11, 26, 11, 20, tzinfo=UTC)
FOUR_TIMES = ("12:00", "13:00", "14:00", "15:00")


def channel(**changes: object) -> ChannelSettings:
    cadence = {"times": FOUR_TIMES, "approvals_per_day": 100, **changes}
    return ChannelSettings.model_validate({"cadence": cadence})


def making(count: int) -> tuple[Underway, ...]:
    return tuple(Underway(n, "running") for n in range(count))


def asked(count: int) -> tuple[Underway, ...]:
    return tuple(Underway(100 + n, "waiting", approval="pending") for n in range(count))


def failed(count: int, ago: timedelta) -> tuple[Ended, ...]:
    return tuple(Ended(9 - n, "failed", NOW - ago * (n + 1)) for n in range(count))


HOURS = tuple(NOW.replace(hour=12, minute=0) + timedelta(hours=n) for n in range(4))


@pytest.mark.parametrize(
    ("passport", "counts", "starts", "bound", "told"),
    [
        (channel(), Counts(), 4, "none", "each free slot gets its video"),
        (channel(), Counts(taken=HOURS[:3]), 1, "none", "each free slot"),
        (channel(), Counts(taken=HOURS), 0, "slots", "0 of 4 slots within 6 h are free"),
        (channel(lead_hours=0.5), Counts(), 0, "slots", "no slot within 0.5 h"),
        (channel(posts_per_day=3), Counts(out=Out((NOW,))), 2, "posts_per_day", "at most 3"),
        (
            channel(waiting=3),
            Counts(alive=making(1) + asked(1)),
            1,
            "waiting",
            "3 may wait, 1 wait, 1 in the making",
        ),
        (
            channel(approvals_per_day=4),
            Counts(decided_today=1, alive=asked(2)),
            1,
            "approvals",
            "1 of 4: operators decide 4 a day, 1 decided today, 2 wait",
        ),
        (channel(approvals_per_day=0), Counts(), 0, "approvals", "decide 0 a day"),
        # Nobody said how much they manage: as they did, one more when nothing waits.
        (channel(approvals_per_day=None), Counts(), 1, "approvals", "decide 1 a day"),
        (channel(approvals_per_day=None), Counts(decided_days=(1, 2)), 3, "approvals", "3 a day"),
        (
            channel(approvals_per_day=None),
            Counts(decided_days=(2, 9, 3), alive=asked(1)),
            2,
            "approvals",
            "operators decide 3 a day, going by what they did, 1 wait",
        ),
        (channel(), Counts(paused="the studio is paused"), 0, "paused", "is paused"),
        (channel(), Counts(last=failed(2, DAY)), 4, "none", "each free slot"),
        (
            channel(),
            Counts(last=failed(3, timedelta(minutes=10))),
            0,
            "failures",
            "the last 3 failed (see job 9); tried again from 11:25 UTC",
        ),
        (channel(), Counts(last=failed(3, timedelta(minutes=20))), 1, "failures", "3 failed"),
        (
            channel(),
            Counts(last=(Ended(10, "running", NOW), *failed(3, DAY))),
            0,
            "failures",
            "one more is being tried",
        ),
        # An operator's no is no failure.
        (channel(), Counts(last=(Ended(1, "refused", NOW, decided=True),) * 5), 4, "none", ""),
    ],
)
def test_a_plan_says_how_many_and_which_limit_allows_no_more(
    passport: ChannelSettings, counts: Counts, starts: int, bound: str, told: str
) -> None:
    found = plan(passport, counts, NOW)

    assert (len(found.slots), found.bound) == (starts, bound)
    assert told in found.told
    assert found.slots == tuple(one for one in HOURS if one not in counts.taken)[:starts]


@pytest.mark.parametrize(
    ("budget", "counts", "starts", "told"),
    [
        ({"videos_per_day": 3}, Counts(created_today=1), 2, "at most 3 videos a day: 1 were begun"),
        ({"cents_per_day": 10}, Counts(), 1, "what a video costs is not known"),
        ({"cents_per_day": 10}, Counts(alive=making(1)), 0, "not known"),
        (
            {"cents_per_day": 10},
            Counts(spent_microcents=3_500_000, mean_microcents=2e6, alive=making(1)),
            2,
            "3.50 of 10 cents are spent today; a video costs 2.00 on average, 1 in the making",
        ),
        ({"cents_per_day": 10}, Counts(spent_microcents=10_000_000), 0, "10.00 of 10 cents"),
        ({"cents_per_day": 10}, Counts(mean_microcents=0.0), 4, ""),
        # Videos of before calls were booked on them: the studio's bill says they were not free.
        ({"cents_per_day": 10}, Counts(mean_microcents=0.0, studio_microcents=1), 1, "not known"),
    ],
)
def test_a_budget_pays_what_is_being_made_before_anything_new(
    budget: dict[str, float], counts: Counts, starts: int, told: str
) -> None:
    passport = channel().model_copy(
        update={"budget": ChannelSettings.model_validate({"budget": budget}).budget}
    )

    found = plan(passport, counts, NOW)

    assert len(found.slots) == starts
    assert told in found.told


def test_a_platform_takes_no_more_in_any_24_hours_than_it_says() -> None:
    busy = tuple(NOW - timedelta(hours=20) + timedelta(minutes=n) for n in range(24))
    passport = channel().model_copy(update={"platform": "bluesky"})

    found = plan(passport, Counts(out=Out((), busy)), NOW)

    assert found.bound == "platform"
    assert "bluesky takes 25 posts in 24 hours for each account" in found.told
    assert found.slots == HOURS[:1]


def test_an_account_that_may_only_post_privately_gets_nothing_that_cannot_be_private() -> None:
    passport = channel().model_copy(update={"standing": "private_only", "platform": "bluesky"})

    found = plan(passport, Counts(), NOW)

    assert (found.slots, found.bound) == ((), "standing")
    assert found.told.endswith("this account may publish only privately, and bluesky cannot")


def test_the_late_take_the_next_slots_but_none_after_their_approval_ends() -> None:
    early = NOW - timedelta(hours=1)
    alive = (
        Underway(1, "waiting", early, approval="pending", expires_at=NOW + timedelta(minutes=50)),
        Underway(2, "running", early - timedelta(hours=1)),
        Underway(3, "running", early, approval="approved"),
        Underway(4, "running", early, approval="approved", is_out=True),
    )

    found = plan(channel(), Counts(alive=alive), NOW)

    assert [(move.job_id, move.to) for move in found.moves] == [(2, HOURS[0])]
    assert found.slots == HOURS[1:]


moments = st.integers(-48 * 60, 48 * 60).map(lambda minutes: NOW + timedelta(minutes=minutes))
some_times = st.lists(moments, max_size=12).map(lambda all_: tuple(sorted(all_)))
jobs = st.builds(
    Underway,
    job_id=st.integers(1, 10**6),
    status=st.sampled_from(("queued", "running", "waiting")),
    slot_at=st.none() | moments,
    not_before=st.none() | moments,
    approval=st.sampled_from((None, "pending", "approved", "void")),
    expires_at=st.none() | moments,
    is_out=st.booleans(),
)
passports = st.builds(
    lambda times, zone, platform, cadence, videos, cents: ChannelSettings.model_validate(
        {
            "time_zone": zone,
            "platform": platform,
            "cadence": {"times": times, **cadence},
            "budget": {"videos_per_day": videos, "cents_per_day": cents},
        }
    ),
    st.lists(st.times().map(lambda at: f"{at:%H:%M}"), max_size=20, unique=True),
    st.sampled_from(("UTC", "Europe/Berlin", "America/New_York", "Asia/Kathmandu")),
    st.sampled_from(("gallery", "bluesky", "youtube")),
    st.fixed_dictionaries(
        {
            "posts_per_day": st.none() | st.integers(0, 5),
            "waiting": st.integers(1, 8),
            "approvals_per_day": st.none() | st.integers(0, 8),
            "lead_hours": st.sampled_from((0.5, 6.0, 30.0, 60.0)),
        }
    ),
    st.none() | st.integers(0, 6),
    st.none() | st.sampled_from((1.0, 10.0, 1000.0)),
)
counted = st.builds(
    Counts,
    taken=st.lists(moments.filter(lambda at: at > NOW), max_size=6, unique=True).map(tuple),
    others=some_times,
    alive=st.lists(jobs, max_size=6, unique_by=lambda one: one.job_id).map(tuple),
    out=st.builds(Out, some_times, some_times),
    decided_days=st.lists(st.integers(1, 9), max_size=7).map(tuple),
    decided_today=st.integers(0, 5),
    created_today=st.integers(0, 5),
    spent_microcents=st.integers(0, 20_000_000),
    mean_microcents=st.none() | st.sampled_from((0.0, 500_000.0, 3_000_000.0)),
    studio_microcents=st.integers(0, 1),
    paused=st.none() | st.just("the studio is paused"),
)


@settings(max_examples=80)
@given(passport=passports, counts=counted)
def test_a_plan_never_passes_any_limit(passport: ChannelSettings, counts: Counts) -> None:
    found = plan(passport, counts, NOW)

    starts = len(found.slots)
    _check_slots(passport, counts, found)
    if starts:
        cadence, budget = passport.cadence, passport.budget
        making = sum(one.approval in (None, "void") and not one.is_out for one in counts.alive)
        asked = sum(one.approval == "pending" for one in counts.alive)
        assert counts.paused is None
        assert asked + making + starts <= cadence.waiting
        if cadence.approvals_per_day is not None:
            done = counts.decided_today + asked + making
            assert done + starts <= cadence.approvals_per_day
        if budget.videos_per_day is not None:
            assert counts.created_today + starts <= budget.videos_per_day
        if budget.cents_per_day is not None and counts.mean_microcents:
            paid = (making + starts) * counts.mean_microcents + counts.spent_microcents
            assert paid <= budget.cents_per_day * 1_000_000
    assert all(one.left is None or one.left >= starts for one in found.limits)


def test_the_late_take_no_slot_of_a_day_that_is_full() -> None:
    late = Underway(1, "waiting", NOW - timedelta(hours=1), approval="pending")

    found = plan(channel(posts_per_day=2), Counts(alive=(late,), out=Out((NOW,) * 2)), NOW)

    assert (found.moves, found.slots, found.bound) == ((), (), "posts_per_day")


def _check_slots(passport: ChannelSettings, counts: Counts, found: Plan) -> None:
    """Slots are of the cadence, free, each given once, and no day or 24 hours hold too many."""
    zone = ZoneInfo(passport.time_zone)
    lead = timedelta(hours=passport.cadence.lead_hours)
    given = [*(move.to for move in found.moves), *found.slots]
    assert set(given) <= set(slots_between(passport.cadence, zone, NOW, NOW + lead))
    assert len(set(given)) == len(given)
    assert not set(given) & set(counts.taken)
    cap = passport.cadence.posts_per_day
    days = Counter(at.astimezone(zone).date() for at in (*counts.out.ours, *counts.taken))
    for slot in given:
        day = slot.astimezone(zone).date()
        days[day] += 1
        assert cap is None or days[day] <= cap
    limit = day_cap(passport.platform)
    all_ = [*counts.out.ours, *counts.out.others, *counts.taken, *counts.others, *given]
    if limit is not None:
        for slot in given:
            assert sum(slot - DAY < one <= slot for one in all_) <= limit.most
