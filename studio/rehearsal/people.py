"""The operators of a rehearsal: one quick, one slow, one who sleeps through half of the week."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, time, timedelta
from pathlib import Path
from random import Random
from zoneinfo import ZoneInfo

from bookai.db.autonomy import ladder
from bookai.errors import BookAIError
from bookai.models import PostEdit
from studio import autonomy
from studio.office import Office
from studio.rehearsal.peers.video import VideoHost, Warned
from tools.base import ApprovalRow

MOST = 200
FORGIVES = timedelta(hours=12)
REASONS = (
    "the title promises more than the film tells",
    "we told this story last month",
    "too dry for our viewers",
)


@dataclass(frozen=True, slots=True)
class Operator:
    """Somebody who decides. He looks every `looks_min` minutes between `begins` and `ends`.

    `waits` is how long he lets a question lie; he rejects and edits these shares of them. `days`
    are those on which he works, Monday is 0. Who `grants` puts in force what a passport asks for,
    before the first day, and anew when it has been locked for `FORGIVES`.
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
    grants: bool = False

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

    office: Office
    host: VideoHost
    operators: Sequence[Operator]
    seed: int
    token_file: Path
    acts: list[tuple[datetime, str, str]] = field(default_factory=list, init=False)
    _looked: dict[str, datetime] = field(default_factory=dict, init=False)
    _struck: set[Warned] = field(default_factory=set, init=False)
    _refused: set[str] = field(default_factory=set, init=False)

    async def begin(self, at: datetime) -> None:
        """Do what operators do before a studio begins: put the rules of their channels in force."""
        for one in self.operators:
            await self._grant(one, at)

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
        acts = await self._strike(one, at) + await self._grant(one, at)
        for row in await self.office.desk.list_approvals("pending", MOST):
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
            await self.office.desk.decide_approval(
                row.approval_id, approve, reason, one.principal, edit=edit, via="cli"
            )
        except BookAIError as error:
            self.acts.append((at, one.name, f"could not decide {row.title!r}: {error}"))
            return 0
        did = "edited and approved" if edit else "approved" if approve else f"rejected ({reason})"
        self.acts.append((at, one.name, f"{did}: {row.title}"))
        return 1

    async def _grant(self, one: Operator, at: datetime) -> int:
        """Put in force what the passports of his channels ask for, where nothing is or was."""
        granted, passports = 0, self.office.channels.kept().channels
        asking = {name for name in one.channels if autonomy.terms_of(passports[name])}
        for channel in sorted(asking - self._refused) if one.grants else ():
            rung = await ladder.get(self.office.database.pool, channel, at)
            if rung is not None and (rung.granted or at < rung.changed_at + FORGIVES):
                continue
            try:
                new = await autonomy.grant(self.office, channel, one.principal)
            except BookAIError as error:
                self._refused.add(channel)
                self.acts.append((at, one.name, f"could not grant a rule: {error}"))
                continue
            did = f"granted {new.rule}: {new.per_day} a day, after {new.after} in a row"
            self.acts.append((at, one.name, did))
            granted += 1
        return granted

    async def _strike(self, one: Operator, at: datetime) -> int:
        """Record the platform's warnings about the accounts of his channels."""
        struck = 0
        for channel in sorted(one.channels):
            account = self.office.channels.kept().channel(channel).account
            for warned in self.host.warned:
                if warned.account != account or warned in self._struck:
                    continue
                self._struck.add(warned)
                why = f"the platform warned {account} over {warned.title!r}"
                await autonomy.strike(self.office, channel, why, one.principal)
                self.acts.append((at, one.name, f"recorded a strike on {channel}: {why}"))
                struck += 1
        return struck

    async def _mend(self, one: Operator, at: datetime) -> int:
        """Do what the studio asks of an operator: here, renew the token and resume what stopped."""
        if not self.host.is_expired:
            return 0
        stopped = [
            job
            for job in await self.office.desk.list_jobs("failed", MOST)
            if "token has expired" in (job.reason or "")
        ]
        if not stopped:
            return 0
        await asyncio.to_thread(self.token_file.write_text, self.host.renew(), "ascii")
        for job in stopped:
            await self.office.desk.resume_job(job.job_id, one.principal)
        self.acts.append((at, one.name, f"renewed the token and resumed {len(stopped)} jobs"))
        return 1 + len(stopped)
