"""A bundle: "these twelve yes, 3 and 7 no because …", one decision, each row by itself."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from uuid import uuid4

from bookai.db import audit
from bookai.db.approvals import delegations
from bookai.db.approvals.deciding import SaidBefore, count, say, too_late
from bookai.db.approvals.rights import Word
from bookai.db.approvals.rows import Approval, OnDecided, check_operator, get, why_not_pending
from bookai.db.approvals.rules import RulesOf, anyone
from bookai.db.pool import Con, Pool
from bookai.decisions import BundleReport, BundleRow, Via
from bookai.errors import OperatorNeeded, Refused

MAX_BUNDLE = 100

# In one order for everybody, so that two bundles cannot wait for each other in a circle.
LOCK_ALL = """
SELECT approval_id
  FROM approvals
 WHERE approval_id = ANY ($1::bigint[])
 ORDER BY approval_id
   FOR UPDATE
"""
SELECT_BATCHES = """
SELECT DISTINCT batch_id
  FROM approval_votes
 WHERE approval_id = ANY ($1::bigint[])
   AND voter = $2
"""


@dataclass(frozen=True, slots=True)
class Bundle:
    """One decision on many: `approve` these, noting `reason`; `reject` those, each with its own."""

    approve: tuple[int, ...]
    reject: Mapping[int, str] = field(default_factory=dict)
    reason: str = ""

    def words(self, by: str, now: datetime, via: Via, batch_id: str) -> dict[int, Word]:
        """Return what is said about each approval, in the order in which they are locked.

        Raises:
            Refused: the bundle as a whole cannot be taken; nothing was changed.
        """
        check_operator(by)
        both = set(self.approve) & set(self.reject)
        if both:
            raise Refused(f"approval {min(both)} is in both lists of the bundle: yes or no?")
        asked = sorted({*self.approve, *self.reject})
        if not 1 <= len(asked) <= MAX_BUNDLE:
            raise Refused(f"a bundle has 1 to {MAX_BUNDLE} approvals, this has {len(asked)}")
        found = {}
        for approval_id in asked:
            is_yes = approval_id not in self.reject
            reason = audit.clean(self.reject.get(approval_id, self.reason)).strip()
            word = Word(is_yes, reason, by, now, via=via, batch_id=batch_id)
            found[approval_id] = word.checked()
        return found


async def decide_bundle(  # noqa: PLR0913  # one decision: on what, who, when, and then what
    pool: Pool,
    bundle: Bundle,
    by: str,
    now: datetime,
    on_decided: OnDecided | None = None,
    *,
    via: Via = "cli",
    rules_of: RulesOf = anyone,
) -> BundleReport:
    """Take a bundle in one transaction, under one batch id; what cannot be decided is told by row.

    The same bundle sent again changes nothing: its rows come back as unchanged, under the batch id
    of the first time.

    Raises:
        Refused: the bundle as a whole cannot be taken.
    """
    batch_id = str(uuid4())
    words = bundle.words(by, now, via, batch_id)
    rows: list[BundleRow] = []
    settled: list[Approval] = []
    async with audit.transaction(pool) as con:
        await con.execute(LOCK_ALL, list(words))
        await delegations.lock_live(con, by, now)
        for approval_id, word in words.items():
            try:
                # A savepoint: a row that fails half-way leaves nothing of itself.
                async with con.transaction():
                    approval = await get(con, approval_id)
                    after = await say(con, approval, word, rules_of, on_decided)
            except SaidBefore as known:
                rows.append(_row(approval_id, "unchanged", str(known)))
            except (Refused, OperatorNeeded) as no:
                rows.append(_row(approval_id, "refused", str(no)))
            else:
                settled.append(after)
                rows.append(_outcome(approval_id, after))
        first = None if settled else await _first_batch(con, rows, by)
    for after in settled:
        count(after)
    return BundleReport(batch_id=first or batch_id, rows=tuple(rows))


async def _first_batch(con: Con, rows: list[BundleRow], by: str) -> str | None:
    """Return the batch id under which this person said all this before, if it was one."""
    ids = [row.approval_id for row in rows if row.outcome == "unchanged"]
    known = [row["batch_id"] for row in await con.fetch(SELECT_BATCHES, ids, by)]
    first: str | None = known[0] if len(known) == 1 else None
    return first


def _outcome(approval_id: int, after: Approval) -> BundleRow:
    if after.state == "pending":
        yes = sum(vote.approve for vote in after.votes)
        return _row(approval_id, "voted", f"{yes} of {after.needed} said yes")
    if after.state == "expired":
        return _row(approval_id, "refused", too_late(after))
    is_yes = after.state == "approved"
    return _row(approval_id, "approved" if is_yes else "rejected", why_not_pending(after))


def _row(approval_id: int, outcome: str, reason: str) -> BundleRow:
    return BundleRow.model_validate(
        {"approval_id": approval_id, "outcome": outcome, "reason": reason}
    )
