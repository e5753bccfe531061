"""Take one person's word: check that it may count, keep it, and settle what it settles.

Everything happens under the lock of the approval's row and in one transaction with its audit
event; the database's own triggers hold the same rules once more.
"""

from datetime import datetime

from bookai.db import audit
from bookai.db.approvals import asking, edits
from bookai.db.approvals.ending import IS_OUT
from bookai.db.approvals.rights import Right, Word, right_of
from bookai.db.approvals.rows import (
    STUDIO,
    Approval,
    OnDecided,
    end,
    get,
    locked,
    moment,
    not_pending,
    shown,
    unchanged,
    why_not_pending,
)
from bookai.db.approvals.rules import Rules, RulesOf, anyone
from bookai.db.autonomy import ladder
from bookai.db.pool import Con, Pool
from bookai.decisions import Via
from bookai.errors import Refused
from bookai.metrics import APPROVALS_DECIDED, AUTONOMY_LOCKS
from bookai.models import PostEdit

INSERT_VOTE = """
INSERT INTO approval_votes (approval_id, voter, approve, voted_at, reason, via, digest, right_of,
                            hand, delegation_id, link_id, batch_id)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)
"""
UPDATE_DECIDED = """
UPDATE approvals
   SET state = $2, decided_by = $3, decided_at = $4, note = $5
 WHERE approval_id = $1
"""

FORGET_TIME = "UPDATE video_jobs SET not_before = NULL WHERE job_id = $1"


class SaidBefore(Refused):
    """Exactly this was said by this person about exactly this: nothing is left to do."""


async def decide(  # noqa: PLR0913  # one decision: on what, which, why, who, when, and then what
    pool: Pool,
    approval_id: int,
    approve: bool,
    reason: str,
    by: str,
    now: datetime,
    on_decided: OnDecided | None = None,
    *,
    edit: PostEdit | None = None,
    via: Via = "cli",
    rules_of: RulesOf = anyone,
) -> Approval:
    """Record an operator's word and its audit event, and wake the job, in one transaction.

    One no rejects. A yes approves when it is the last that was needed; before, the approval stays
    pending. With `edit` the changed post gets an approval of its own, which is what is returned.
    `on_decided(con, job_id)` runs inside the transaction when the question is settled; also when
    the approval turns out to have expired, as the wait is over then too.

    Raises:
        Refused: not an operator, not one who may, no reason for a rejection, no such approval,
            decided already, expired or void; the message names who and when.
    """
    said = Word(approve, audit.clean(reason).strip(), by, now, via=via, edit=edit).checked()
    async with audit.transaction(pool) as con:
        approval = await say(con, await locked(con, approval_id), said, rules_of, on_decided)
    if approval.state == "expired":
        raise Refused(too_late(approval))
    count(approval)
    return approval


async def say(
    con: Con,
    approval: Approval,
    word: Word,
    rules_of: RulesOf,
    on_decided: OnDecided | None = None,
) -> Approval:
    """Let one word take effect on a locked approval; return what it became, or its successor.

    An approval whose time is over becomes expired here, whatever was said; the caller tells. A no
    to what a rule approved takes that yes back while nothing is out, and the rule with it.

    Raises:
        SaidBefore: this person said the same before.
        Refused: the word cannot count; nothing was changed.
    """
    if approval.said(word.by, word.approve) and approval.state in ("pending", _state(word)):
        raise SaidBefore(_said_before(approval, word), words=approval.note or "")
    if approval.state != "pending" and not _takes_back(approval, word):
        raise not_pending(approval)
    unchanged(approval)
    if approval.state == "approved":
        await _withdraw(con, approval, word, rules_of(approval.channel))
    elif approval.expires_at <= word.at:
        await end(con, approval, "expired", STUDIO)
    else:
        right = await right_of(con, approval, word, rules_of(approval.channel))
        approval = await _edited(con, approval, word)
        await _vote(con, approval, word, right)
        await _settle(con, await get(con, approval.approval_id), word, right)
    after = await get(con, approval.approval_id)
    if after.state != "pending":
        await _count_lock(con, after)
        if on_decided is not None:
            await on_decided(con, after.job_id)
    return after


def too_late(approval: Approval) -> str:
    """Say that an approval's time was over before the word came."""
    return (
        f"approval {approval.approval_id} expired at {moment(approval.expires_at)}, before the "
        "decision: nothing is published. "
        f"To ask anew: bookai approvals renew {approval.approval_id}"
    )


def count(approval: Approval) -> None:
    """Count a decision in the metrics, once its transaction is committed."""
    if approval.state in ("approved", "rejected"):
        APPROVALS_DECIDED.labels(approval.state).inc()


def _takes_back(approval: Approval, word: Word) -> bool:
    return approval.state == "approved" and approval.is_by_rule and not word.approve


async def _withdraw(con: Con, approval: Approval, word: Word, rules: Rules) -> None:
    """Take back a yes by rule before its post goes out; its channel begins anew."""
    await right_of(con, approval, word, rules)
    if await con.fetchval(IS_OUT, approval.job_id):
        raise Refused(
            f"{why_not_pending(approval)}, and its post is or may be out: it cannot be taken back. "
            f"What went out wrongly is a strike: bookai autonomy strike {approval.channel}"
        )
    body = {
        "approval_id": approval.approval_id,
        "job_id": approval.job_id,
        "digest": approval.digest,
        "decided_by": approval.decided_by,
        "via": word.via,
    }
    personal = {"reason": word.reason}
    await audit.append(con, "approval.withdrawn", word.by, body, personal=personal, subject=word.by)
    await end(con, approval, "void", word.by)
    # Its slot is over for it: the job goes on now, and learns that it is refused.
    await con.execute(FORGET_TIME, approval.job_id)
    why = f"the yes by rule to approval {approval.approval_id} was taken back by {word.by}"
    about = (approval.job_id, approval.approval_id)
    await ladder.lock(con, approval.channel, why, word.by, keeps_grant=True, about=about)


async def _edited(con: Con, approval: Approval, word: Word) -> Approval:
    """Put the edited post in the place of the one that was asked about; return its approval."""
    if word.edit is None:
        return approval
    post, changes = edits.edited(approval.post, word.edit)
    if not changes:
        return approval
    told = {"edited_by": word.by, "new_digest": post.digest()}
    await end(con, approval, "void", word.by, **told)
    rules = Rules(needed=approval.needed, approvers=approval.approvers, own_jobs=approval.own_jobs)
    what = (approval.job_id, post, approval.video_path, word.at, approval.expires_at)
    new_id = await asking.insert(con, what, rules, follows=approval.approval_id)
    assert new_id is not None, "the lock on the old one kept others from asking"
    await edits.keep(con, new_id, changes, word.by)
    await asking.point_job(con, approval.job_id, new_id, post)
    new = await get(con, new_id)
    body = {
        "approval_id": new_id,
        "follows": approval.approval_id,
        "job_id": approval.job_id,
        "digest_before": approval.digest,
        "digest": new.digest,
        "changes": changes,
    }
    await audit.append(con, "approval.edited", word.by, body)
    return new


async def _vote(con: Con, approval: Approval, word: Word, right: Right) -> None:
    await con.execute(
        INSERT_VOTE,
        approval.approval_id,
        word.by,
        word.approve,
        word.at,
        word.reason,
        word.via,
        approval.digest,
        right.of,
        word.hand or word.by,
        right.delegation_id,
        word.link_id,
        word.batch_id,
    )


async def _settle(con: Con, approval: Approval, word: Word, right: Right) -> None:
    """Decide if this was the last word needed, and write down what was said either way."""
    yes = [vote for vote in approval.votes if vote.approve]
    state = _state(word)
    is_last = not word.approve or len(yes) >= approval.needed
    if is_last:
        await con.execute(
            UPDATE_DECIDED, approval.approval_id, state, word.by, word.at, word.reason
        )
    body = {
        "approval_id": approval.approval_id,
        "job_id": approval.job_id,
        "decision": state if is_last else "pending",
        "vote": "yes" if word.approve else "no",
        "decided_at": word.at,
        "digest": approval.digest,
        "shown": shown(approval.post),
        "via": word.via,
        "yes": [vote.by for vote in yes],
        "needed": approval.needed,
        "lent_by": right.of if right.delegation_id else None,
        "delegation_id": right.delegation_id,
        "link_id": word.link_id,
        "batch_id": word.batch_id,
    }
    kind = "approval.decided" if is_last else "approval.voted"
    # A person's own words can be erased; the proof of the decision stays.
    personal = {"reason": word.reason}
    await audit.append(con, kind, word.by, body, personal=personal, subject=word.by)


async def _count_lock(con: Con, after: Approval) -> None:
    """Count it when this answer took the channel's autonomy away: the database itself did so."""
    if await ladder.was_locked_by(con, after.job_id, after.approval_id):
        AUTONOMY_LOCKS.labels("edit" if after.state == "approved" else "rejection").inc()


def _state(word: Word) -> str:
    return "approved" if word.approve else "rejected"


def _said_before(approval: Approval, word: Word) -> str:
    if approval.state != "pending":
        return why_not_pending(approval)
    yes = sum(vote.approve for vote in approval.votes)
    return (
        f"{word.by} has said yes to approval {approval.approval_id} already; it waits for others "
        f"({yes} of {approval.needed})"
    )
