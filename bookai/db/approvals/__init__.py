"""Approvals: people's word on exactly one post, asked for, given once, and asked again.

pending → approved | rejected | expired | void; approved → expired | void; the rest is final.
An approval counts for the digest of everything that would be published, and until it expires.
"""

from bookai.db.approvals.asking import MAX_POST_BYTES, renew, request
from bookai.db.approvals.bundles import MAX_BUNDLE, Bundle, decide_bundle
from bookai.db.approvals.deciding import decide
from bookai.db.approvals.ending import check, expire, void_of
from bookai.db.approvals.rights import MAX_REASON
from bookai.db.approvals.rows import (
    OPERATOR,
    STUDIO,
    Approval,
    OnDecided,
    State,
    count_pending,
    get,
    list_,
)
from bookai.db.approvals.rules import ANYONE, Rules, RulesOf, anyone
from bookai.db.approvals.swapping import swap_shot

__all__ = [
    "ANYONE",
    "MAX_BUNDLE",
    "MAX_POST_BYTES",
    "MAX_REASON",
    "OPERATOR",
    "STUDIO",
    "Approval",
    "Bundle",
    "OnDecided",
    "Rules",
    "RulesOf",
    "State",
    "anyone",
    "check",
    "count_pending",
    "decide",
    "decide_bundle",
    "expire",
    "get",
    "list_",
    "renew",
    "request",
    "swap_shot",
    "void_of",
]
