"""The gate: a yes holds for the post, but neither for the day nor for a passport that changed."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from bookai.channels import ChannelSettings
from bookai.db import approvals, jobs, outbox, planning
from bookai.db.approvals.rows import latest
from bookai.db.autonomy import ladder, ruling
from bookai.db.outbox import OutboxRow
from bookai.db.outbox.rows import note
from bookai.db.planning import Claim
from bookai.db.pool import Con
from bookai.errors import NotYet, OperatorNeeded
from bookai.metrics import AUTONOMY_LOCKS
from bookai.settings import Settings
from studio.autonomy.terms import why_broken
from studio.planning.asked import asked_of
from studio.planning.platform import counted_as, is_per_app
from studio.sending.places import next_place, why_not

AGAIN_S = 300.0
"""How long a post waits before it asks again whether the passports can be read."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Gate:
    """Asks about each post when it is to be sent. `settings` are those of the moment."""

    settings: Callable[[], Settings]
    rules_of: approvals.RulesOf
    approval_ttl: timedelta
    now: Callable[[], datetime]

    async def ask(self, con: Con, post: OutboxRow, attempt: int) -> NotYet | None:
        """Return why this attempt is not sent now, or None; of one account one at a time.

        In the transaction that marks it as being sent: so long nobody else of the account is let
        through. What is decided instead has to be committed before the answer is told.

        Raises:
            NotYet: nobody knows what the passport says.
        """
        channel = (await jobs.get(con, post.job_id)).channel
        try:
            settings = self.settings()
            passport = settings.channel(channel)
        except OperatorNeeded as error:
            raise NotYet(f"nothing is published: {error}", after_s=AGAIN_S) from error
        await planning.lock(con, channel, counted_as(post.platform, post.account))
        now = await outbox.get(con, post.post_id)
        if (now.state, now.attempt) != ("armed", attempt):
            return None  # somebody else was let through meanwhile, and the outbox says so
        return await self._rule(con, post, channel, passport) or await self._cap(
            con, post, channel, settings
        )

    async def _rule(
        self, con: Con, post: OutboxRow, channel: str, passport: ChannelSettings
    ) -> NotYet | None:
        """Take back a yes by rule that another passport was granted for, and ask a person."""
        yes = await latest(con, post.job_id)
        if yes is None or yes.state != "approved" or not yes.is_by_rule:
            return None
        now = self.now()
        rung = await ladder.get(con, channel, now)
        if rung is None or not rung.granted:
            return None  # the outbox sends nothing for a rule that does not hold
        broken = why_broken(rung, passport)
        if broken is None:
            return None
        why = f"{broken}: the yes by rule counts no more, and a person is asked"
        rules = self.rules_of(channel)
        await ruling.ask_a_person(con, yes.approval_id, why, now, self.approval_ttl, rules)
        if await ladder.lock(con, channel, broken, approvals.STUDIO, level="manual"):
            AUTONOMY_LOCKS.labels("passport").inc()
        return NotYet(f"job {post.job_id} waits: {why}.")

    async def _cap(
        self, con: Con, post: OutboxRow, channel: str, settings: Settings
    ) -> NotYet | None:
        """Give a post that is one too many the next place that is free."""
        # It goes where it was approved to go, whatever the passport says by now.
        target = {"platform": post.platform, "account": post.account}
        passport = settings.channel(channel).model_copy(update=target)
        of_account = None if is_per_app(post.platform) else post.account
        gone = await planning.count_gone(con, post.platform, of_account, channel)
        why = why_not(passport, gone.out, gone.at)
        if why is None:
            return None
        counts = await planning.count(con, asked_of(settings, channel, gone.at))
        place = next_place(passport, replace(counts, out=gone.out), post.job_id, gone.at)
        told = f"{why}: it goes out at {place:%Y-%m-%d %H:%M} UTC"
        yes = await latest(con, post.job_id)
        if yes is not None and yes.expires_at <= place:
            told += f", if it is approved anew: its approval ends {yes.expires_at:%m-%d %H:%M} UTC"
        await planning.put_later(con, Claim(channel, place, post.job_id), gone.at, why)
        await note(con, "post.held", post, why=why, until=place)
        return NotYet(
            f"job {post.job_id} waits: {told}.", after_s=(place - gone.at).total_seconds()
        )
