"""How a feed that could not be read was met: by its later readings, and by the stories it held."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from itertools import groupby

from bookai.db.pool import Pool
from bookai.db.rehearsal import standing
from bookai.db.rehearsal.standing import Mark
from studio.rehearsal.peers.press import Press, Trouble, Troubled
from studio.rehearsal.record import Broken
from studio.rehearsal.telling.spans import span

READ = "read"
"""What the tick that reads a feed notes when it could."""


async def troubles_met(
    pool: Pool, press: Press, marks: Mapping[tuple[str, str], Sequence[Mark]], until: datetime
) -> tuple[Broken, ...]:
    """Tell of each feed's trouble when it was read again, and whether a story was lost."""
    found = []
    for trouble, those in groupby(
        sorted(press.troubled, key=lambda one: (one.trouble.begins_h, one.trouble.feed, one.at)),
        key=lambda one: one.trouble,
    ):
        ticks = marks.get(("watch", press.feed_of(trouble.feed)), ())
        found.append(await _met(pool, press, tuple(those), ticks, until))
    return tuple(found)


async def _met(
    pool: Pool,
    press: Press,
    troubled: Sequence[Troubled],
    ticks: Sequence[Mark],
    until: datetime,
) -> Broken:
    trouble, begin, last = troubled[0].trouble, troubled[0].at, troubled[-1].at
    again = next((one for one in ticks if one.slot > last and one.note == READ), None)
    stories = press.appeared_between(trouble.feed, begin, again.slot if again else last)
    lost = len(stories) - await standing.count_seen(pool, stories) if again else 0
    unmet = [f"{lost} of its {len(stories)} stories of that time are not known"] if lost else []
    if again is None and _was_over(trouble, press, ticks, until):
        unmet.append("it could be read again, and nobody did")
    return Broken(
        what=trouble.told,
        at=begin,
        times=len(troubled),
        met=_told(begin, again, len(stories) - lost),
        unmet=tuple(unmet),
    )


def _told(begin: datetime, again: Mark | None, known: int) -> str:
    if again is None:
        return "not read again before the end"
    late = span(again.slot - begin)
    stories = f"{known} stories that came meanwhile are known" if known else "no story came"
    return f"read again {late} after the first time; {stories}"


def _was_over(trouble: Trouble, press: Press, ticks: Sequence[Mark], until: datetime) -> bool:
    """Tell whether a reading was due between the end of the trouble and that of the rehearsal."""
    ended = press.hour(trouble.ends_h)
    return any(ended <= one.slot < until for one in ticks) or not ticks
