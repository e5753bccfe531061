"""`bookai ticks`: what the loop does, when it did so last, and what came of it."""

from datetime import datetime

import click

from bookai.db import loop
from bookai.db.loop.leader import Leader
from bookai.settings import read_settings
from studio.commands._door import as_json, print_json, print_rows, run
from studio.office import open_office

Found = tuple[Leader | None, tuple[loop.ScheduleRow, ...], datetime]


@click.command(epilog="Examples: bookai ticks · bookai ticks --failed · bookai ticks --json")
@click.option("--failed", is_flag=True, help="Only what failed or is late by more than a minute.")
@as_json
def ticks_command(failed: bool, json_: bool) -> None:
    """Show who leads the loop, and each thing it does: its last time, how that ended, its next."""
    leader, rows, at = run(_look())
    shown = [row for row in rows if not failed or row.state == "failed" or _late_s(row, at) > 60]
    if json_:
        print_json({"leader": _leader(leader), "schedules": [_plain(row) for row in shown]})
        return
    click.echo(_leads(leader))
    print_rows(
        shown,
        (
            ("what", lambda r: r.name),
            ("for", lambda r: r.scope or "the studio"),
            ("every", lambda r: _span(r.every_s)),
            ("last", lambda r: r.began_at),
            ("it", lambda r: r.state),
            ("and said", lambda r: r.note),
            ("next", lambda r: r.next_slot),
        ),
        "nothing failed" if failed else "nothing is scheduled yet: bookai loop",
    )


async def _look() -> Found:
    async with open_office(read_settings()) as office:
        pool = office.database.pool
        return await loop.look(pool), await loop.list_(pool), office.clock()


def _late_s(row: loop.ScheduleRow, at: datetime) -> float:
    return (at - row.next_slot).total_seconds()


def _leads(leader: Leader | None) -> str:
    if leader is None:
        return "nobody led the loop yet: bookai loop"
    if leader.is_alive:
        return (
            f"{leader.holder} leads since {leader.began_at:%Y-%m-%d %H:%M} (epoch {leader.epoch})"
        )
    ended = leader.ended_at or leader.seen_at
    return f"nobody leads: {leader.holder} did until {ended:%Y-%m-%d %H:%M}. Start: bookai loop"


def _leader(leader: Leader | None) -> dict[str, object] | None:
    if leader is None:
        return None
    return {
        "holder": leader.holder,
        "epoch": leader.epoch,
        "since": leader.began_at,
        "leads": leader.is_alive,
    }


def _plain(row: loop.ScheduleRow) -> dict[str, object]:
    names = ("name", "scope", "every_s", "last_slot", "state", "tries", "note", "next_slot")
    return {name: getattr(row, name) for name in names}


def _span(seconds: float) -> str:
    for size, unit in ((86_400, "d"), (3600, "h"), (60, "min")):
        if seconds >= size:
            return f"{seconds / size:g} {unit}"
    return f"{seconds:g} s"
