"""What of a passport a grant is bound to, and whether the passport still says it."""

import hashlib
import json
from collections.abc import Mapping

from bookai.channels import ChannelSettings
from bookai.db.autonomy.ladder import Terms
from bookai.decisions import Rung
from studio.autonomy.topics import LANGUAGES

FREE = frozenset(
    {"autonomy", "time_zone", "cadence", "budget", "seconds"}
    | {"approvals_needed", "approvers", "own_jobs"}
)
"""What of a passport a grant is not bound to: it has these itself, or they change no post's target
and no word of it. A key that comes later is bound."""


def terms_of(passport: ChannelSettings) -> Terms | None:
    """Return the rule that a passport asks for; None: never alone."""
    wanted = passport.autonomy
    if wanted.after is None:
        return None
    return Terms(
        wanted.after,
        wanted.per_day,
        passport.time_zone,
        passport.brand_voice.version,
        bound_to(passport),
    )


def bound_to(passport: ChannelSettings) -> Mapping[str, str]:
    """Return the SHA-256 of each value of a passport that a grant is bound to, by its key."""
    values = passport.model_dump(mode="json", exclude=set(FREE))
    return {key: _sha(value) for key, value in values.items()}


def _sha(value: object) -> str:
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()


def why_broken(rung: Rung, passport: ChannelSettings) -> str | None:
    """Return why a channel's rule does not hold under this passport; None where it does."""
    terms = terms_of(passport)
    if terms is None:
        return "the passport says no autonomy"
    if changed := terms.changed(rung):
        return "the passport has other terms than were granted: " + ", ".join(changed)
    if passport.language not in LANGUAGES:
        return f"no list of grave topics for {passport.language!r}"
    if passport.approvals_needed > 1 or passport.approvers:
        return "the passport names people or asks several"
    return None
