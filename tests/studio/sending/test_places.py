"""When a post that is one too many goes out: the planner's own caps, asked about one post."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from bookai.channels import ChannelSettings
from bookai.db.planning import Counts, Out, Underway
from studio.planning.platform import day_cap
from studio.sending.places import next_place, why_not

NOW = datetime(2026, 11, 26, 12, tzinfo=UTC)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
MIDNIGHT = datetime(2026, 11, 27, tzinfo=UTC)


def channel(platform: str = "gallery", **cadence: Any) -> ChannelSettings:
    return ChannelSettings.model_validate({"platform": platform, "cadence": cadence})


def waiting(job_id: int, slot_at: datetime) -> Underway:
    return Underway(job_id, "queued", slot_at=slot_at, not_before=slot_at, approval="approved")


def test_nothing_stops_a_post_where_no_cap_is_known_or_reached() -> None:
    assert why_not(channel(), Out((NOW,) * 9), NOW) is None
    assert why_not(channel(posts_per_day=2), Out((NOW - HOUR,)), NOW) is None
    assert why_not(channel(posts_per_day=1), Out((NOW - DAY,)), NOW) is None
    assert why_not(channel(posts_per_day=1), Out((), (NOW,)), NOW) is None


def test_a_day_is_the_channels_own() -> None:
    zone = channel(posts_per_day=1).model_copy(update={"time_zone": "Pacific/Auckland"})
    in_auckland = datetime(2026, 11, 27, 1, tzinfo=UTC)  # 14:00 there, on the 27th

    assert why_not(zone, Out((in_auckland - 15 * HOUR,)), in_auckland) is None
    assert why_not(zone, Out((in_auckland - 13 * HOUR,)), in_auckland) is not None


def test_the_platforms_window_counts_everybody_of_the_account() -> None:
    cap = day_cap("tiktok")
    assert cap is not None
    passport, half = channel("tiktok"), cap.most // 2
    out = Out((NOW - HOUR,) * half, (NOW - 3 * HOUR,) * (cap.most - half))

    why = why_not(passport, out, NOW)

    assert why is not None
    assert why.startswith(f"tiktok takes {cap.most} posts in 24 hours for each account")
    assert next_place(passport, Counts(out=out), 7, NOW) == NOW + 21 * HOUR


@pytest.mark.parametrize(
    ("cadence", "place"),
    [
        ({}, MIDNIGHT),
        ({"times": ["09:00"]}, MIDNIGHT + 9 * HOUR),
        ({"times": ["09:00", "15:00"]}, MIDNIGHT + 9 * HOUR),
    ],
)
def test_it_goes_out_the_next_day_at_a_slot_where_there_are_slots(
    cadence: dict[str, Any], place: datetime
) -> None:
    counts = Counts(out=Out((NOW - HOUR,)))

    assert next_place(channel(posts_per_day=1, **cadence), counts, 7, NOW) == place


def test_it_takes_no_place_that_another_job_has_but_may_keep_its_own() -> None:
    passport = channel(posts_per_day=1, times=["09:00"])
    others, own = MIDNIGHT + 9 * HOUR, MIDNIGHT + DAY + 9 * HOUR
    counts = Counts(
        out=Out((NOW - HOUR,)), taken=(others, own), alive=(waiting(6, others), waiting(7, own))
    )

    assert next_place(passport, counts, 7, NOW) == own
    assert next_place(passport, counts, 8, NOW) == own + DAY


def test_two_that_may_go_out_on_one_day_get_a_minute_each() -> None:
    counts = Counts(out=Out((NOW - HOUR,) * 2), taken=(MIDNIGHT,), alive=(waiting(6, MIDNIGHT),))

    assert next_place(channel(posts_per_day=2), counts, 7, NOW) == MIDNIGHT + timedelta(minutes=1)


def test_where_no_day_has_a_place_it_is_asked_again_a_day_later() -> None:
    assert next_place(channel(posts_per_day=0), Counts(), 7, NOW) == NOW + DAY
