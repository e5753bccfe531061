"""The outbox: one row for each job and target, so that nothing is ever posted twice.

    armed → sending → posted
      ↑        ├────→ unknown → posted | failed     by the platform's witness or an operator's word
      │        └────→ failed → dead                 tried often enough, or refused for good
      └───────────── failed | dead                  a retry, or an operator's replay

The database refuses every other move, and `sending` without an approval of exactly this post. Each
arming has a number of its own, the fencing token: whoever holds an older one can neither send nor
mark, and of two with the same one only he who began to send may say that nothing went out. A send
holds a lease and prolongs it; a post found `sending` after that is `unknown`, and then only the
platform knows. Posted is final, and a receipt is taken however late it comes, with what that
attempt sent.

An account that its platform told to wait sends nothing before that time; others go on.
"""

from bookai.db.outbox import sending
from bookai.db.outbox.looking import count_posted, get, is_begun, list_
from bookai.db.outbox.operating import replay, resolve_not_posted, resolve_posted
from bookai.db.outbox.receipts import mark_posted
from bookai.db.outbox.rests import Rest, list_rests, rest_account, told_to_rest
from bookai.db.outbox.rows import ACTOR, MAX_REASON, Claim, OutboxRow, State
from bookai.db.outbox.sending import (
    LEASE_S,
    MAX_TRIES,
    arm,
    keep_sending,
    mark_not_posted,
    mark_unknown,
)
from bookai.db.outbox.silence import SILENT_S, note_silent

mark_sending = told_to_rest(sending.mark_sending)

__all__ = [
    "ACTOR",
    "LEASE_S",
    "MAX_REASON",
    "MAX_TRIES",
    "SILENT_S",
    "Claim",
    "OutboxRow",
    "Rest",
    "State",
    "arm",
    "count_posted",
    "get",
    "is_begun",
    "keep_sending",
    "list_",
    "list_rests",
    "mark_not_posted",
    "mark_posted",
    "mark_sending",
    "mark_unknown",
    "note_silent",
    "replay",
    "resolve_not_posted",
    "resolve_posted",
    "rest_account",
]
