"""The whole machine under fire: random rules, random people, everybody at once, a real Postgres.

Each seed is one schedule of words; a failing one is named by pytest and reproduces what was said,
though not the order in which the database took it.
"""

import asyncio
import random
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Literal

import asyncpg
import pytest

from bookai.db import approvals, audit, jobs
from bookai.db.approvals import Approval, Bundle, Rules, delegations, links
from bookai.db.approvals.delegations import Loan
from bookai.errors import Refused
from bookai.models import PostEdit
from tests.bookai.db.approvals.asked import NOW, POST, TTL, ask

KEY = b"k" * 32
PEOPLE = tuple(f"operator:{name}" for name in ("ann", "bob", "cy", "dee", "eve"))
LATER = NOW + timedelta(hours=1)
Act = Literal["yes", "no", "edit", "bundle", "link", "expire", "ask"]
ACTS: tuple[Act, ...] = (
    "yes", "yes", "no", "edit", "bundle", "link", "link", "link", "expire", "ask",
)  # fmt: skip
SELECT_HANDS = """
SELECT approval_id, voter, hand
  FROM approval_votes
 WHERE approve
"""


@dataclass
class Play:
    """One schedule: its rules, its approvals, and what was settled how often."""

    pool: asyncpg.Pool
    rng: random.Random
    rules: Rules
    jobs: list[int] = field(default_factory=list)
    asked: list[int] = field(default_factory=list)
    woken: Counter[int] = field(default_factory=Counter)

    async def begin(self) -> None:
        for _ in range(3):
            async with self.pool.acquire() as con, con.transaction():
                job_id = await jobs.create(con, "a.md", "default", self.rng.choice(PEOPLE))
            self.jobs.append(job_id)
            self.asked.append(await ask(self.pool, job_id, rules=self.rules))
        for lender in self.rules.approvers[:2]:
            outsiders = [one for one in PEOPLE if one not in self.rules.approvers]
            cap = self.rng.randint(1, 2)
            loan = Loan(
                channel="default", delegate=self.rng.choice(outsiders), cap=cap, ends_at=NOW + TTL
            )
            await delegations.create(self.pool, loan, lender, NOW, self.rules)

    async def act(self, act: Act, by: str, index: int) -> None:
        """Say one thing; being refused is an answer."""
        pool, approval_id = self.pool, self.asked[index]
        try:
            match act:
                case "yes" | "no":
                    await self.say(approval_id, act == "yes", by)
                case "edit":
                    await self.say(approval_id, True, by, PostEdit(title=f"Edited by {by[9:]}"))
                case "bundle":
                    bundle = Bundle(tuple(self.asked))
                    await approvals.decide_bundle(
                        pool, bundle, by, LATER, self.wake, rules_of=lambda _channel: self.rules
                    )
                case "link":
                    # Half of them are made by another, who may open them himself.
                    maker = self.rng.choice((by, self.rng.choice(PEOPLE)))
                    token = await links.create(pool, KEY, approval_id, by, maker, NOW, TTL)
                    await links.decide(
                        pool, KEY, token, True, "", LATER, self.wake,
                        rules_of=lambda _channel: self.rules,
                    )  # fmt: skip
                case "expire":
                    await approvals.expire(pool, NOW)
                case "ask":
                    await ask(pool, self.jobs[index], rules=self.rules)
        except Refused:
            pass

    async def say(
        self, approval_id: int, approve: bool, by: str, edit: PostEdit | None = None
    ) -> None:
        await approvals.decide(
            self.pool, approval_id, approve, "so it is", by, LATER, self.wake, edit=edit,
            rules_of=lambda _channel: self.rules,
        )  # fmt: skip

    async def wake(self, con: object, job_id: int) -> None:
        self.woken[job_id] += 1


@pytest.mark.parametrize("seed", range(20))
async def test_never_two_answers_never_too_few_votes_never_over_the_cap(
    seed: int, pool: asyncpg.Pool
) -> None:
    rng = random.Random(seed)
    needed = rng.randint(1, 3)
    named = rng.sample(PEOPLE, rng.randint(max(2, needed), 4)) if rng.random() < 0.7 else []
    rules = Rules(needed=needed, approvers=tuple(named), own_jobs=rng.random() < 0.5)
    play = Play(pool, rng, rules)
    await play.begin()
    schedule = [(rng.choice(ACTS), rng.choice(PEOPLE), rng.randrange(3)) for _ in range(14)]

    async with asyncio.TaskGroup() as group:
        for one in schedule:
            group.create_task(play.act(*one))

    rows = await approvals.list_(pool)
    hands: dict[int, list[set[str]]] = defaultdict(list)
    for vote in await pool.fetch(SELECT_HANDS):
        hands[vote["approval_id"]].append({vote["voter"], vote["hand"]})
    for row in rows:
        check(row, hands[row.approval_id])
    answers = Counter(row.job_id for row in rows if row.state in ("approved", "rejected"))
    assert all(count <= 1 for count in answers.values()), answers
    # Whoever was woken had an answer, except where a later question took its place.
    assert set(answers) <= set(play.woken)
    assert all(count == 1 for count in play.woken.values()), play.woken
    told = await audit.search(pool, kind="approval.decided")
    assert Counter(event.job_id for event in told) == play.woken
    lent = Counter(
        (vote.lent_by, vote.by)
        for row in rows
        for vote in row.votes
        if vote.lent_by and vote.approve
    )
    for loan in await delegations.list_(pool):
        assert lent[(loan.lender, loan.delegate)] == loan.used <= loan.cap


def check(row: Approval, hands: list[set[str]]) -> None:
    """`hands` is, for each yes, who gave it and who made the link for it."""
    yes = [vote for vote in row.votes if vote.approve]
    rights = {vote.lent_by or vote.by for vote in yes}
    if row.state == "approved":
        assert len({vote.by for vote in yes}) == len(rights) == len(yes) >= row.needed
        assert all(vote.approve for vote in row.votes)
    if row.state == "rejected":
        assert sum(not vote.approve for vote in row.votes) == 1
    if row.approvers:
        assert rights <= set(row.approvers)
    if not row.own_jobs:
        assert row.requested_by not in rights | {vote.by for vote in yes}
        assert row.requested_by not in set().union(*hands)
    for people in hands:
        assert all(people.isdisjoint(others) for others in hands if others is not people), hands
    if row.approvers:
        makers = set().union(*hands) - {vote.by for vote in yes}
        assert makers <= set(row.approvers)
    if row.state == "pending":
        assert len(yes) < row.needed
    assert row.post.model_copy(update={"title": POST.title}) == POST
