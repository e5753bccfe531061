"""`bookai evidence`: copies of the audit log's signed checkpoints in other places."""

import asyncio
from datetime import datetime
from pathlib import Path

import click

from bookai.db.seal import exports
from bookai.db.seal.exports import CopyRow, SignedNote
from bookai.db.seal.merkle import split_notes
from bookai.errors import BookAIError, OperatorNeeded
from bookai.settings import read_settings
from studio.commands._door import as_json, print_json, print_rows, run
from studio.database import seal_audit
from studio.evidence.copies import Copy, open_copies, push_due
from studio.office import now, open_office
from studio.proof.pack import write_whole

_NONE = "no copy outside this machine: name one as [[audit.exports]] in studio.toml"


@click.group(epilog="Example: bookai evidence list")
def evidence_command() -> None:
    """Keep copies of the audit log's signed checkpoints in other places."""


@evidence_command.command("list", epilog="Example: bookai evidence list --json")
@as_json
def list_(json_: bool) -> None:
    """Show each copy: how far it got, when, and what is wrong with it."""

    async def work() -> tuple[tuple[Copy, ...], dict[str, CopyRow], SignedNote | None]:
        settings = read_settings()
        copies = open_copies(settings)
        async with open_office(settings) as office:
            pool = office.database.pool
            rows = await exports.list_(pool)
            return copies, {row.name: row for row in rows}, await exports.newest(pool)

    copies, rows, newest = run(work())
    if json_:
        print_json(
            [
                {
                    "name": copy.name,
                    "kind": copy.kind,
                    "every_s": copy.every_s,
                    "sealed": newest.tree_size if newest else 0,
                    "state": rows[copy.name].model_dump(mode="json") if copy.name in rows else None,
                }
                for copy in copies
            ]
        )
        return
    print_rows(
        copies,
        (
            ("name", lambda copy: copy.name),
            ("kind", lambda copy: copy.kind),
            ("every", lambda copy: f"{copy.every_s:g} s"),
            ("state", lambda copy: stands(rows.get(copy.name), newest)),
        ),
        _NONE,
    )


@evidence_command.command(epilog="Example: bookai evidence push --name offsite")
@click.option("--name", help="Only this copy.")
@as_json
def push(name: str | None, json_: bool) -> None:
    """Seal what is new and bring the newest checkpoint to the places now."""

    async def work() -> tuple[CopyRow, ...]:
        settings = read_settings()
        copies = _chosen(open_copies(settings), name)
        async with open_office(settings) as office:
            await seal_audit(office.database, settings)
            return await push_due(office.database.pool, copies, now(), at_once=True)

    rows = run(work())
    if json_:
        print_json(rows)
    else:
        for row in rows:
            click.echo(f"{row.name}: {row.error or f'covers {row.tree_size} events'}")
    failed = [row.name for row in rows if row.failures]
    if failed:
        raise BookAIError(f"not brought to {', '.join(failed)}; the reasons are above.")


@evidence_command.command(
    epilog="Example: bookai evidence fetch offsite --out offsite.notes, then "
    "bookai audit verify --against offsite.notes"
)
@click.argument("name")
@click.option("--out", required=True, type=click.Path(dir_okay=False, path_type=Path))
def fetch(name: str, out: Path) -> None:
    """Get the notes back from the copy NAME, to compare them with the log."""

    async def work() -> str:
        (copy,) = _chosen(open_copies(read_settings()), name)
        try:
            async with asyncio.timeout(copy.timeout_s * 10):
                return await copy.place.fetch()
        except TimeoutError as error:
            raise OperatorNeeded(
                f"{name} gave no notes in {copy.timeout_s * 10:g} s.",
                mend="Raise its timeout_s, or get them by hand.",
            ) from error

    text = run(work())
    write_whole(out, text.encode())
    click.echo(f"{sum(1 for _ in split_notes(text))} notes in {out}")


def stands(row: CopyRow | None, newest: SignedNote | None) -> str:
    """Say in words how a copy stands."""
    if row is None:
        return "was never tried: bookai loop does, or bookai evidence push"
    sealed = newest.tree_size if newest else 0
    reached = f"covers {row.tree_size} of {sealed} events, {_age(row.succeeded_at)}"
    return f"{reached}; failing: {row.error}" if row.failures else reached


def _age(at: datetime | None) -> str:
    if at is None:
        return "never reached"
    minutes = (now() - at).total_seconds() / 60
    return f"{minutes:.0f} min ago" if minutes < 120 else f"{minutes / 60:.0f} h ago"


def _chosen(copies: tuple[Copy, ...], name: str | None) -> tuple[Copy, ...]:
    found = tuple(copy for copy in copies if name in (None, copy.name))
    if not copies:
        raise OperatorNeeded("there is no copy outside this machine.", mend=_NONE)
    if not found:
        known = ", ".join(copy.name for copy in copies)
        raise OperatorNeeded(f"there is no copy {name!r}.", mend=f"Known: {known}.")
    return found
