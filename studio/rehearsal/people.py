"""The operators of a rehearsal: one quick, one slow, one who sleeps through half of the week."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, time, timedelta
from pathlib import Path
from random import Random
from zoneinfo import ZoneInfo

from bookai.errors import BookAIError
from bookai.models import PostEdit
from studio.desk import StudioDesk
from studio.rehearsal.peers.video import VideoHost
from tools.base import ApprovalRow

MOST = 200
REASONS = (
    "the title promises more than the film tells",
    "we told this story last month",
    "too dry for our viewers",
)


@dataclass(frozen=True, slots=True)
class Operator:
    """Somebody who decides. He looks every `looks_min` minutes between `begins` and `ends`.

    `waits` is how long he lets a question lie; he rejects and edits these shares of them. `days`
    are those on which he works, Monday is 0.
    """

    name: str
    channels: frozenset[str]
    zone: str
    begins: time
    ends: time
    looks_min: int
    waits: timedelta
    rejects: float
    edits: float
    days: frozenset[int] = frozenset(range(7))
    mends: bool = False

    @property
    def principal(self) -> str:
        """Who he is in the audit log."""
        return f"operator:simulated-{self.name}"

    def next_look(self, after: datetime) -> datetime:
        """Return when he looks next: a whole number of looks after the day's beginning."""
        zone = ZoneInfo(self.zone)
        day = after.astimezone(zone).date()
        for ahead in range(8):
            at = datetime.combine(day + timedelta(days=ahead), self.begins, zone)
            end = datetime.combine(day + timedelta(days=ahead), self.ends, zone)
            if at.weekday() not in self.days:
                continue
            if at <= after:
                looks = int((after - at) / timedelta(minutes=self.looks_min)) + 1
                at += looks * timedelta(minutes=self.looks_min)
            if at <= end:
                return at.astimezone(after.tzinfo)
        raise ValueError(f"{self.name} never looks")


@dataclass(slots=True)
class People:
    """All operators, and what they do when they look."""

    desk: StudioDesk
    host: VideoHost
    operators: Sequence[Operator]
    seed: int
    token_file: Path
    acts: list[tuple[datetime, str, str]] = field(default_factory=list, init=False)
    _looked: dict[str, datetime] = field(default_factory=dict, init=False)

    def next_look(self, after: datetime) -> datetime:
        """Return when the next of them looks."""
        return min(one.next_look(self._looked.get(one.name, after)) for one in self.operators)

    async def look(self, at: datetime) -> int:
        """Let everybody who looks at this moment do his work; return how many acts that were."""
        acts = 0
        for one in self.operators:
            before = self._looked.setdefault(one.name, at - timedelta(seconds=1))
            if one.next_look(before) <= at:
                self._looked[one.name] = at
                acts += await self._work(one, at)
        return acts

    async def _work(self, one: Operator, at: datetime) -> int:
        acts = 0
        for row in await self.desk.list_approvals("pending", MOST):
            if row.channel in one.channels and row.requested_at + one.waits <= at:
                acts += await self._decide(one, row, at)
        if one.mends:
            acts += await self._mend(one, at)
        return acts

    async def _decide(self, one: Operator, row: ApprovalRow, at: datetime) -> int:
        rng = Random(f"{self.seed}:{one.name}:{row.job_id}:{row.title}")
        drawn, reason, edit = rng.random(), "", None
        approve = drawn >= one.rejects
        if not approve:
            reason = rng.choice(REASONS)
        elif drawn < one.rejects + one.edits:
            edit = PostEdit(title=f"{row.title[:80].rstrip('?.')}, explained")
        try:
            await self.desk.decide_approval(
                row.approval_id, approve, reason, one.principal, edit=edit, via="cli"
            )
        except BookAIError as error:
            self.acts.append((at, one.name, f"could not decide {row.title!r}: {error}"))
            return 0
        did = "edited and approved" if edit else "approved" if approve else f"rejected ({reason})"
        self.acts.append((at, one.name, f"{did}: {row.title}"))
        return 1

    async def _mend(self, one: Operator, at: datetime) -> int:
        """Do what the studio asks of an operator: here, renew the token and resume what stopped."""
        if not self.host.is_expired:
            return 0
        stopped = [
            job
            for job in await self.desk.list_jobs("failed", MOST)
            if "token has expired" in (job.reason or "")
        ]
        if not stopped:
            return 0
        await asyncio.to_thread(self.token_file.write_text, self.host.renew(), "ascii")
        for job in stopped:
            await self.desk.resume_job(job.job_id, one.principal)
        self.acts.append((at, one.name, f"renewed the token and resumed {len(stopped)} jobs"))
        return 1 + len(stopped)
