"""Each limit of a channel's plan with its figure: what it allows now, and why."""

import math
from collections.abc import Sequence
from datetime import datetime, timedelta
from statistics import median

from bookai.channels import ChannelSettings
from bookai.db.planning import Counts, Ended, Underway
from bookai.db.planning.counts import MICROCENTS_PER_CENT
from bookai.running.plans import Limit
from studio.planning.platform import keeps_private

FAILED_IN_A_ROW = 3
FIRST_REST = timedelta(minutes=15)
LONGEST_REST = timedelta(hours=6)


def slots(passport: ChannelSettings, free: int, all_: int) -> Limit:
    """Count the slots that no job has."""
    hours = f"{passport.cadence.lead_hours:g} h"
    told = f"{free} of {all_} slots within {hours} are free" if all_ else f"no slot within {hours}"
    return Limit(name="slots", left=free, told=told)


def posts(passport: ChannelSettings, kept: int, free: int) -> Limit:
    """Tell what the channel's own cap leaves of the free slots."""
    cap = passport.cadence.posts_per_day
    if cap is None:
        return Limit(name="posts_per_day", left=None, told="posts_per_day is not set")
    told = f"at most {cap} posts a day" + (f", which leaves out {free - kept}" * (kept < free))
    return Limit(name="posts_per_day", left=kept, told=told)


def paused(counts: Counts) -> Limit:
    """Allow nothing while the studio or the channel is paused."""
    if counts.paused is None:
        return Limit(name="paused", left=None, told="nothing is paused")
    return Limit(name="paused", left=0, told=counts.paused)


def standing(passport: ChannelSettings) -> Limit:
    """Allow nothing where what is made could not be published."""
    if passport.standing == "audited" or keeps_private(passport.platform):
        return Limit(name="standing", left=None, told=f"the account is {passport.standing}")
    told = f"this account may publish only privately, and {passport.platform} cannot"
    return Limit(name="standing", left=0, told=told)


def waiting(passport: ChannelSettings, alive: Sequence[Underway]) -> Limit:
    """Count how many more may come to wait for operators."""
    most = passport.cadence.waiting
    told = f"at most {most} may wait{_load(alive)}"
    return Limit(name="waiting", left=max(0, most - _asked(alive) - _making(alive)), told=told)


def approvals(passport: ChannelSettings, counts: Counts) -> Limit:
    """Count what operators can still decide on today.

    Where nobody says how much that is, it is what they did: the median of the days on which they
    decided at all, and one more when nothing waits for them now.
    """
    asked, making = _asked(counts.alive), _making(counts.alive)
    most, done, how = passport.cadence.approvals_per_day, counts.decided_today, ""
    if most is None:
        most, how = _as_they_did(counts.decided_days, asked), ", going by what they did"
        done += counts.ruled_today
    today = f", {done} decided today" if done else ""
    told = f"operators decide {most} a day{how}{today}{_load(counts.alive)}"
    return Limit(name="approvals", left=max(0, most - done - asked - making), told=told)


def _load(alive: Sequence[Underway]) -> str:
    asked, making = _asked(alive), _making(alive)
    return (f", {asked} wait" if asked else "") + (f", {making} in the making" if making else "")


def _as_they_did(days: Sequence[int], asked: int) -> int:
    if not days:
        return 1
    return max(1, math.ceil(median(days))) + (asked == 0)


def _asked(alive: Sequence[Underway]) -> int:
    return sum(one.approval == "pending" for one in alive)


def _making(alive: Sequence[Underway]) -> int:
    """Count what will be asked about yet."""
    return sum(one.approval in (None, "void") and not one.is_out for one in alive)


def videos(passport: ChannelSettings, counts: Counts) -> Limit:
    """Count how many more may be begun today."""
    most = passport.budget.videos_per_day
    if most is None:
        return Limit(name="videos", left=None, told="budget.videos_per_day is not set")
    told = f"at most {most} videos a day: {counts.created_today} were begun today"
    return Limit(name="videos", left=max(0, most - counts.created_today), told=told)


def cents(passport: ChannelSettings, counts: Counts) -> Limit:
    """Count how many mean videos the rest of the day's money pays; those being made are paid first.

    While no price is known, one video is made to learn it.
    """
    most = passport.budget.cents_per_day
    if most is None:
        return Limit(name="cents", left=None, told="budget.cents_per_day is not set")
    making, mean = _making(counts.alive), counts.mean_microcents
    rest = most * MICROCENTS_PER_CENT - counts.spent_microcents
    told = f"{counts.spent_microcents / MICROCENTS_PER_CENT:.2f} of {most:g} cents are spent today"
    if rest <= 0:
        return Limit(name="cents", left=0, told=told)
    if mean is None or (mean == 0 and counts.studio_microcents):
        told += "; what a video costs is not known"
        return Limit(name="cents", left=max(0, 1 - making), told=told)
    if mean == 0:
        return Limit(name="cents", left=None, told=f"{told}; a video's models cost nothing")
    told += f"; a video costs {mean / MICROCENTS_PER_CENT:.2f} on average, {making} in the making"
    return Limit(name="cents", left=max(0, math.floor(rest / mean) - making), told=told)


def failures(last: Sequence[Ended], at: datetime) -> Limit:
    """After three failures in a row try one at a time, at growing distances, up to six hours."""
    row, trying = [], False
    for one in last:
        if one.status in ("queued", "running"):
            trying = True
        elif one.status == "failed" or (one.status == "refused" and not one.decided):
            row.append(one)
        else:
            break
    if len(row) < FAILED_IN_A_ROW:
        return Limit(name="failures", left=None, told=f"{len(row)} failed in a row")
    rest = min(FIRST_REST * 2 ** (len(row) - FAILED_IN_A_ROW), LONGEST_REST)
    again = row[0].updated_at + rest
    told = f"the last {len(row)} failed (see job {row[0].job_id})"
    if trying:
        return Limit(name="failures", left=0, told=f"{told}, and one more is being tried")
    left = 1 if at >= again else 0
    return Limit(name="failures", left=left, told=f"{told}; tried again from {again:%H:%M} UTC")
