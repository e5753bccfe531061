"""The loop's tick for a channel: does its rule still hold, and what does it let out."""

from collections.abc import AsyncIterator
from datetime import datetime
from typing import TYPE_CHECKING

from bookai.channels import ChannelSettings
from bookai.db import jobs
from bookai.db.approvals import STUDIO
from bookai.db.approvals import get as get_approval
from bookai.db.autonomy import gone, ladder, ruling
from bookai.db.pool import Pool
from bookai.decisions import Rung
from bookai.errors import OperatorNeeded, Refused
from bookai.metrics import AUTONOMY_LOCKS
from studio.autonomy import risk
from studio.autonomy.ladder import measure
from studio.autonomy.terms import bound_to, why_broken

if TYPE_CHECKING:
    from studio.office import Office

AT_ONCE = 50
"""So many waiting approvals are read at once; those above the line do not hide newer ones."""


async def ladder_tick(office: "Office", channel: str, at: datetime) -> str:
    """Lock a channel whose rule is broken, or answer by rule what may be; return what came of it.

    Doing it twice changes nothing more: each yes is bound to one approval.
    """
    pool = office.database.pool
    # A tick that a dead leader left is done again later: what is decided is decided now.
    now = max(at, office.clock())
    rung = await ladder.get(pool, channel, now)
    if rung is None:
        return "manual: nothing is granted"
    passport = _passport(office, channel)
    broken = await _broken(office, rung, passport)
    if broken is not None:
        why, reason, level = broken
        if await ladder.lock(pool, channel, reason, STUDIO, level=level):
            AUTONOMY_LOCKS.labels(why).inc()
        rung = await ladder.get(pool, channel, now) or rung
    await measure(pool)
    ended = await office.desk.end_rulings(channel, rung.reason)
    if rung.level != "limited" or passport is None:
        told = f"{rung.level}: {rung.in_a_row} of {rung.after} in a row; {rung.reason}"
    else:
        told = await _answer(office, rung, passport, now)
    return f"{told}; {ended} not sent, ask anew" if ended else told


def _passport(office: "Office", channel: str) -> ChannelSettings | None:
    """Return the channel's passport as the file has it now; None where it cannot be read."""
    try:
        return office.channels.channel(channel)
    except OperatorNeeded:
        return None


async def _broken(
    office: "Office", rung: Rung, passport: ChannelSettings | None
) -> tuple[ladder.Why, str, ladder.Fallen] | None:
    """Return why the rule holds no more, how that is told, and how far the channel falls."""
    if not rung.granted:
        return None
    taken = await gone.taken_down(office.database.pool, rung.channel, rung.granted_at)
    if taken is not None:
        return "takedown", f"post {taken} is gone from its platform", "locked"
    if passport is None:
        # A file that is being mended is no wish to end the rule: only nothing is let out meanwhile.
        return None
    told = why_broken(rung, passport)
    return ("passport", told, "manual") if told else None


async def _answer(office: "Office", rung: Rung, passport: ChannelSettings, now: datetime) -> str:
    """Say yes by rule to what lies below the risk line, up to the cap of the channel's day."""
    pool, said, above, no = office.database.pool, 0, 0, ""
    async for approval_id in _waiting(pool, rung.channel):
        if rung.used_today >= rung.per_day:
            break
        approval = await get_approval(pool, approval_id)
        job = await jobs.load(pool, approval.job_id)
        if risk.above(job, approval, passport):
            above += 1
            continue
        try:
            found = ruling.Ruling(approval, rung, risk.names_of(job), bound_to(passport))
            await office.desk.approve_by_rule(found)
        except Refused as error:
            # Decided, paused or spent a moment ago: the database had the last word.
            no = f"; {error}"
            continue
        said += 1
        rung = await ladder.get(pool, rung.channel, now) or rung
    used = f"{rung.used_today} of {rung.per_day} today"
    return f"limited: {said} approved by rule, {used}; {above} above the risk line{no}"


async def _waiting(pool: Pool, channel: str) -> AsyncIterator[int]:
    """Give what waits for an answer, page by page, to its end."""
    last = 0
    while page := await ruling.pending(pool, channel, AT_ONCE, last):
        for last in page:
            yield last
