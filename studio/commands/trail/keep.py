"""`bookai audit export` and `erase`: give events away, and forget a person."""

import json
from datetime import datetime
from pathlib import Path
from typing import TextIO

import click

from bookai.db import audit
from bookai.settings import read_settings
from studio.commands._door import operator, run
from studio.commands.trail.options import between, narrowing, written_whole
from studio.office import open_office


@click.command(epilog="Example: bookai audit export --since 2026-11-01 --out november.jsonl")
@narrowing
@between
@click.option("--out", type=click.Path(dir_okay=False, path_type=Path), help="Write them here.")
def export(
    kind: str | None,
    actor: str | None,
    job_id: int | None,
    since: datetime | None,
    until: datetime | None,
    out: Path | None,
) -> None:
    """Write events as lines of JSON, oldest first: exact bodies, each with its place in the tree.

    Personal texts are left out: the bodies hold their commitments.
    """
    with written_whole(out) as file:
        count = run(_export(file, audit.Wanted(kind, actor, job_id), since, until))
    click.echo(f"{count} events", err=True)


async def _export(
    file: TextIO, wanted: audit.Wanted, since: datetime | None, until: datetime | None
) -> int:
    count = 0
    async with open_office(read_settings()) as office:
        async for line in audit.stream(office.database.pool, wanted, since, until):
            file.write(json.dumps(line.model_dump(mode="json"), ensure_ascii=False) + "\n")
            count += 1
    return count


@click.command(
    epilog='Example: bookai audit erase --subject reader:12 --reason "asked by letter, 3 May"'
)
@click.option("--subject", required=True, help="The person, as named when the data came in.")
@click.option("--reason", required=True, help="Why; it stays in the log and must name nobody.")
def erase(subject: str, reason: str) -> None:
    """Erase every personal text about a person; the log itself stays as it is, and provable."""
    count = run(_erase(subject, reason))
    click.echo(f"{count} personal texts erased; the log says how many, and why")


async def _erase(subject: str, reason: str) -> int:
    async with open_office(read_settings()) as office:
        return await audit.erase(office.database.pool, subject, operator(), reason)
