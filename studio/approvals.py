"""The desk's part about approvals: deciding from every door, links, lent rights."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import cast, get_args

from bookai.db import approvals, jobs
from bookai.db.approvals import delegations, links
from bookai.db.autonomy import ruling
from bookai.db.pool import Con
from bookai.decisions import BundleReport, Via
from bookai.errors import OperatorNeeded, Refused
from bookai.models import PostEdit, Record
from studio.posts import PostDesk
from tools.base import ApprovalRow


class LinkView(Record):
    """What a one-time link shows, and as whom its holder would decide."""

    approval: ApprovalRow
    operator: str
    expires_at: datetime


class DelegationRow(Record):
    """A lent right. `state`: live, spent, ended, revoked, void (its lender is no approver now)."""

    delegation_id: int
    channel: str
    lender: str
    delegate: str
    cap: int
    used: int
    created_at: datetime
    ends_at: datetime
    revoked_by: str | None
    revoked_at: datetime | None
    state: str


def _no_key() -> bytes:
    raise OperatorNeeded(
        "this process signs no links.", mend="Make and use them where `bookai serve` runs."
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class ApprovalDesk(PostDesk):
    """Asking, deciding, ending. `rules_of` tells a channel's rules that are in force."""

    now: Callable[[], datetime]
    rules_of: approvals.RulesOf = approvals.anyone
    approval_ttl: timedelta = timedelta(hours=72)
    link_key: Callable[[], bytes] = _no_key

    async def list_approvals(
        self, state: str | None, limit: int, skip: int = 0, after: int | None = None
    ) -> tuple[ApprovalRow, ...]:
        """Return approvals, the longest waiting first; see `bookai.db.approvals.list_`."""
        if state is not None and state not in get_args(approvals.State):
            raise Refused(
                f"no approval is {state!r}; known: {', '.join(get_args(approvals.State))}."
            )
        rows = await approvals.list_(
            self.pool, cast(approvals.State | None, state), limit, skip, after
        )
        return tuple(_approval(row) for row in rows)

    async def get_approval(self, approval_id: int) -> ApprovalRow:
        """Return one approval; raises `Refused` when there is none."""
        return _approval(await approvals.get(self.pool, approval_id))

    async def decide_approval(
        self,
        approval_id: int,
        approve: bool,
        reason: str,
        by: str,
        *,
        edit: PostEdit | None = None,
        via: Via = "mcp",
    ) -> ApprovalRow:
        """Record a word, its audit row and the job's next queue entry in one transaction.

        With `edit` the changed post gets an approval of its own, which is returned.
        """
        if edit is not None:
            await self.check_edit(approval_id, edit)
        row = await approvals.decide(
            self.pool,
            approval_id,
            approve,
            reason,
            by,
            self.now(),
            self._waking(by),
            edit=edit,
            via=via,
            rules_of=self.rules_of,
        )
        return _approval(row)

    async def check_edit(self, approval_id: int, edit: PostEdit) -> None:
        """Return when the post may be changed so: a desk that knows channels has its say here."""

    async def decide_bundle(
        self,
        approve: Sequence[int],
        reject: Mapping[int, str],
        reason: str,
        by: str,
        *,
        via: Via = "mcp",
    ) -> BundleReport:
        """Decide on many in one transaction; what cannot be decided is told by row.

        `reason` is noted on what is approved; each rejection has its own.
        """
        return await approvals.decide_bundle(
            self.pool,
            approvals.Bundle(tuple(approve), reject, reason),
            by,
            self.now(),
            self._waking(by),
            via=via,
            rules_of=self.rules_of,
        )

    async def expire_approvals(self) -> int:
        """Expire what nobody answered in time, and wake those jobs in the same transaction."""
        ended = await approvals.expire(
            self.pool, self.now(), on_ended=self._waking(approvals.STUDIO)
        )
        return len(ended)

    async def approve_by_rule(self, found: ruling.Ruling) -> ApprovalRow:
        """Say yes under the rule that an operator granted; the loop alone calls this.

        Raises:
            Refused: the database finds that the rule does not cover it.
        """
        wake = self._waking(approvals.STUDIO)
        return _approval(await ruling.approve(self.pool, found, wake))

    async def end_rulings(self, channel: str, why: str) -> int:
        """End each yes by rule whose post has not been sent; return how many."""
        wake = self._waking(approvals.STUDIO)
        return len(await ruling.end_unsent(self.pool, channel, why, wake))

    async def renew_approval(self, approval_id: int, by: str) -> ApprovalRow:
        """Ask anew for the same bytes after the time ran out; the job waits again."""

        async def wait(con: Con, job_id: int) -> None:
            await jobs.set_status(con, job_id, "waiting", stage="approval", actor=by)

        row = await approvals.renew(
            self.pool, approval_id, by, self.now(), self.approval_ttl, self.rules_of, wait
        )
        return _approval(row)

    def _waking(self, by: str) -> approvals.OnDecided:
        async def wake(con: Con, job_id: int) -> None:
            # Whose cancel was cut short between the job and its approval has said no all the same.
            status = await jobs.lock_status(con, job_id)
            if status == "cancelled" and by != approvals.STUDIO:
                raise Refused(f"job {job_id} is cancelled: nothing is published of it.")
            if status in jobs.ENDED and by == approvals.STUDIO:
                return  # its time is up, but the job ended before, and its reason stays
            # The row must not look as if it still waited for the operator: whoever resumes it
            # after a crash goes by it.
            await jobs.set_status(con, job_id, "queued", actor=by)
            await self.engine.enqueue(con, job_id)

        return wake


@dataclass(frozen=True, slots=True, kw_only=True)
class LendingDesk(ApprovalDesk):
    """One-time links and lent rights."""

    async def create_link(
        self, approval_id: int, for_operator: str, ttl: timedelta, by: str
    ) -> str:
        """Return the signed one-time token with which `for_operator` can answer this approval."""
        return await links.create(
            self.pool,
            self.link_key(),
            approval_id,
            for_operator,
            by,
            self.now(),
            ttl,
            rules_of=self.rules_of,
        )

    async def open_link(self, token: str) -> LinkView:
        """Return what a link shows; nothing is spent by looking.

        Raises:
            Refused: it is unknown, used, expired or forged, or what it was for was decided.
        """
        opened = await links.open_(self.pool, self.link_key(), token, self.now())
        return LinkView(
            approval=_approval(opened.approval),
            operator=opened.link.operator,
            expires_at=opened.link.expires_at,
        )

    async def decide_by_link(self, token: str, approve: bool, reason: str) -> ApprovalRow:
        """Decide as the operator whom the link names, and spend it, in one transaction."""
        key = self.link_key()
        opened = await links.open_(self.pool, key, token, self.now())
        row = await links.decide(
            self.pool,
            key,
            token,
            approve,
            reason,
            self.now(),
            self._waking(opened.link.operator),
            rules_of=self.rules_of,
        )
        return _approval(row)

    async def create_delegation(
        self, channel: str, delegate: str, cap: int, ttl: timedelta, by: str
    ) -> DelegationRow:
        """Lend one's own right for a channel: at most `cap` times yes, until `ttl` from now."""
        loan = delegations.Loan(
            channel=channel, delegate=delegate, cap=cap, ends_at=self.now() + ttl
        )
        row = await delegations.create(self.pool, loan, by, self.now(), self.rules_of(channel))
        return self._delegation(row)

    async def list_delegations(self, limit: int = 50) -> tuple[DelegationRow, ...]:
        """Return lent rights, newest first."""
        rows = await delegations.list_(self.pool, limit)
        return tuple(self._delegation(row) for row in rows)

    async def revoke_delegation(self, delegation_id: int, by: str) -> DelegationRow:
        """Take a lent right back at once."""
        row = await delegations.revoke(self.pool, delegation_id, by, self.now())
        return self._delegation(row)

    def _delegation(self, row: delegations.Delegation) -> DelegationRow:
        try:
            state = row.state(self.now(), self.rules_of(row.channel))
        except OperatorNeeded:
            state = "void"  # there is no such channel any more
        return DelegationRow(**row.model_dump(), state=state)


def _approval(row: approvals.Approval) -> ApprovalRow:
    fields = ApprovalRow.model_fields
    return ApprovalRow(**{name: getattr(row, name) for name in fields})
