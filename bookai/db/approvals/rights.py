"""One person's word, the way it came, and by whose right it counts."""

from dataclasses import dataclass
from datetime import datetime

from bookai.db.approvals import delegations
from bookai.db.approvals.rows import Approval, check_operator
from bookai.db.approvals.rules import Rules
from bookai.db.pool import Con
from bookai.decisions import Via
from bookai.errors import Refused
from bookai.models import PostEdit

MAX_REASON = 2000

# Whoever gave an earlier word of this kind or held the means for it: as voter or as a link's maker.
SELECT_MET = """
SELECT voter, hand
  FROM approval_votes
 WHERE approval_id = $1
   AND approve = $2
   AND ARRAY[voter, hand] && $3::text[]
 LIMIT 1
"""


@dataclass(frozen=True, slots=True)
class Word:
    """One person's word and the way it came. `hand` is who held the means, for a link its maker."""

    approve: bool
    reason: str
    by: str
    at: datetime
    via: Via = "cli"
    edit: PostEdit | None = None
    batch_id: str | None = None
    link_id: int | None = None
    hand: str | None = None

    def checked(self) -> "Word":
        """Return it if a person said it and its reason can be kept.

        Raises:
            Refused: it cannot count, whatever it is about.
        """
        check_operator(self.by)
        if not self.approve and not self.reason:
            raise Refused("a rejection needs a reason: the next draft learns from it (--reason)")
        if len(self.reason) > MAX_REASON:
            raise Refused(f"a reason may have {MAX_REASON} characters, this has {len(self.reason)}")
        if self.edit is not None and not self.approve:
            raise Refused("an edit goes with a yes: reject the post, or approve what you changed")
        return self


@dataclass(frozen=True, slots=True)
class Right:
    """Whose right a word uses, and which delegation lends it."""

    of: str
    delegation_id: int | None = None


async def right_of(con: Con, approval: Approval, word: Word, rules: Rules) -> Right:
    """Return whose right this word uses: it must hold by the rules of then and of now.

    Raises:
        Refused: who says it, or who held the means, may not, or has said so before.
    """
    hand = word.hand or word.by
    check_maker(approval, hand, word.by, rules)
    await _check_hand(con, approval, word, hand)
    right = await _own_or_lent(con, approval, word, rules)
    if word.approve:
        _check_own_job(approval, (word.by, right.of, hand), rules)
    return right


def check_maker(approval: Approval, maker: str, operator: str, rules: Rules) -> None:
    """Refuse a link for another unless its maker is an approver himself: he could open it.

    Raises:
        Refused: he is none, by the rules of then or of now.
    """
    if maker != operator and not _may(approval, maker, rules):
        raise Refused(
            f"{maker} is no approver of channel {approval.channel!r}, so a link of his making "
            f"cannot answer for {operator}: who makes a link could open it himself. "
            f"{operator} can make one, or sign in; who may: {_who_may(approval, rules)}"
        )


async def _own_or_lent(con: Con, approval: Approval, word: Word, rules: Rules) -> Right:
    used = {v.lent_by or v.by for v in approval.votes if v.approve == word.approve}
    right = Right(word.by)
    if not _may(approval, word.by, rules):
        lent = await delegations.lock_live(con, word.by, word.at, approval.channel)
        rights = [
            Right(one.lender, one.delegation_id)
            for one in lent
            if _may(approval, one.lender, rules)
        ]
        if not rights:
            raise Refused(
                f"{word.by} may not decide on channel {approval.channel!r}; who may: "
                f"{_who_may(approval, rules)}. An approver can lend the right: "
                "bookai delegate create"
            )
        right = next((one for one in rights if one.of not in used), rights[0])
    if right.of in used:
        raise Refused(f"the right of {right.of} is used on approval {approval.approval_id} already")
    return right


async def _check_hand(con: Con, approval: Approval, word: Word, hand: str) -> None:
    """Refuse a word that has a person in common with an earlier one of its kind."""
    people = [word.by, hand]
    met = await con.fetchrow(SELECT_MET, approval.approval_id, word.approve, people)
    if met is None:
        return
    both = next(one for one in people if one in (met["voter"], met["hand"]))
    raise Refused(
        f"{both} gave, or held the means for, the word of {met['voter']} and this one of "
        f"{word.by}: a link counts as its maker's and as the word of whom it names, and a person "
        "counts once. Let each approver make his own link, or sign in."
    )


def _check_own_job(approval: Approval, people: tuple[str, ...], rules: Rules) -> None:
    if approval.requested_by in people and not (approval.own_jobs and rules.own_jobs):
        raise Refused(
            f"job {approval.job_id} was asked for by {approval.requested_by}: on channel "
            f"{approval.channel!r} another approver has to say yes, by no link of "
            f"{approval.requested_by}'s making (own_jobs = false). With one operator: [approvals] "
            "single_operator = true in studio.toml; it holds for videos made from then on: reject "
            "this one and make it anew"
        )


def _may(approval: Approval, operator: str, rules: Rules) -> bool:
    return Rules(approvers=approval.approvers).let(operator) and rules.let(operator)


def _who_may(approval: Approval, rules: Rules) -> str:
    names = [one for one in approval.approvers or rules.approvers if _may(approval, one, rules)]
    return ", ".join(names) or "nobody now"
