"""What moves a channel on the ladder of autonomy: an operator's grant, a lock, a strike."""

from typing import TYPE_CHECKING

from bookai.channels import ChannelSettings
from bookai.db import audit
from bookai.db.approvals.rows import check_operator
from bookai.db.audit import clean
from bookai.db.autonomy import ladder
from bookai.db.pool import Pool
from bookai.decisions import LadderRow, Rung
from bookai.errors import Refused
from bookai.metrics import AUTONOMY_CHANNELS, AUTONOMY_LOCKS
from studio.autonomy.terms import terms_of
from studio.autonomy.topics import LANGUAGES

if TYPE_CHECKING:
    from studio.office import Office

LEVELS = ("manual", "limited", "locked")


async def grant(office: "Office", channel: str, by: str) -> Rung:
    """Put the rule of a channel's passport in force, in an operator's name; the row begins anew.

    Raises:
        Refused: not an operator, the passport has no rule, or the channel's approvals need
            several or named people.
        OperatorNeeded: there is no such channel.
    """
    check_operator(by)
    passport = office.channels.channel(channel)
    terms = terms_of(passport)
    if terms is None:
        raise Refused(
            f"channel {channel!r} has no rule to grant: write `autonomy = {{ after = 5 }}` into "
            f"[channels.{channel}] in {office.settings.home / 'studio.toml'} first"
        )
    if passport.approvals_needed > 1 or passport.approvers:
        raise Refused(
            f"channel {channel!r} names its approvers or needs several: no rule can answer for them"
        )
    if passport.language not in LANGUAGES:
        raise Refused(
            f"channel {channel!r} speaks {passport.language!r}, and only for English is there a "
            "list of the topics that a person must see: its posts are approved by people"
        )
    await ladder.grant(office.database.pool, channel, terms, by)
    found = await ladder.get(office.database.pool, channel, office.clock())
    assert found is not None, "it was granted just now"
    return found


async def lock(office: "Office", channel: str, reason: str, by: str) -> bool:
    """Take a channel's autonomy away until an operator grants it anew; False: it had none.

    Raises:
        Refused: not an operator, no such channel, or no reason.
    """
    return await _fall(office, channel, reason, by, "operator")


async def strike(office: "Office", channel: str, reason: str, by: str) -> bool:
    """Record that a platform punished a channel, and lock it; False: it had no autonomy to lose.

    Raises:
        Refused: not an operator, no such channel, or no reason.
    """
    return await _fall(office, channel, reason, by, "strike")


async def measure(pool: Pool) -> None:
    """Set the metric of how many channels stand on each rung."""
    found = await ladder.count_levels(pool)
    for level in LEVELS:
        AUTONOMY_CHANNELS.labels(level).set(found.get(level, 0))


async def ladder_of(office: "Office") -> tuple[LadderRow, ...]:
    """Return every channel with where it stands, and what would take it further."""
    rungs = {one.channel: one for one in await ladder.list_(office.database.pool, office.clock())}
    passports = office.channels.kept().channels
    names = sorted({*passports, *rungs})
    return tuple(_row(name, passports.get(name), rungs.get(name)) for name in names)


def _row(name: str, passport: ChannelSettings | None, rung: Rung | None) -> LadderRow:
    terms = terms_of(passport) if passport else None
    if rung is None:
        why = (
            f"off: no `autonomy` in [channels.{name}]"
            if terms is None
            else f"not granted: bookai autonomy grant {name}"
        )
        return LadderRow(channel=name, after=terms.after if terms else None, why=why)
    known = {field: getattr(rung, field) for field in LadderRow.model_fields if field != "why"}
    why = rung.reason
    if not rung.granted and terms is not None:
        why += f"; to begin anew: bookai autonomy grant {name}"
    return LadderRow(**known, why=why)


async def _fall(office: "Office", channel: str, reason: str, by: str, why: ladder.Why) -> bool:
    check_operator(by)
    office.desk.check_channel(channel)
    told = clean(reason).strip()
    if not told:
        raise Refused(f"this needs a reason: whoever finds {channel!r} locked asks why (--reason)")
    async with audit.transaction(office.database.pool) as con:
        body = {"channel": channel, "reason": told}
        await audit.append(con, f"autonomy.{why}", by, body)
        done = await ladder.lock(con, channel, f"{why}: {told}", by)
    if done:
        AUTONOMY_LOCKS.labels(why).inc()
    return done
