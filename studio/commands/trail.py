"""`bookai audit`: prove the log, read the log."""

import asyncio

import click

from bookai.db import audit
from bookai.db.seal import verify as audit_verify
from bookai.db.seal.files import read_verifier
from bookai.errors import BookAIError, OperatorNeeded
from bookai.settings import read_settings
from studio.commands._door import as_json, print_json, run
from studio.database import notes_path, seal_audit
from studio.wiring import open_office

FOLLOW_S = 0.5


@click.group(name="audit", epilog="Example: bookai audit verify")
def audit_command() -> None:
    """Verify or read the audit log."""


@audit_command.command(epilog="Example: bookai audit verify --json")
@as_json
def verify(json_: bool) -> None:
    """Recompute every hash, root and signature, and compare with the exported checkpoints."""
    report = run(_verify())
    if json_:
        print_json(
            {
                "ok": report.ok,
                "events": report.events,
                "sealed": report.sealed,
                "unsealed": report.unsealed,
                "checkpoints": report.checkpoints,
                "problems": list(report.problems),
            }
        )
    else:
        click.echo(
            f"{report.events} events, {report.sealed} sealed under {report.checkpoints} signed "
            f"checkpoints, {report.unsealed} not sealed yet"
        )
        for problem in report.problems:
            click.echo(f"problem: {problem}")
    if not report.ok:
        raise BookAIError("the audit log does not verify; the problems are named above.")
    if not json_:
        click.echo("the audit log verifies")


async def _verify() -> audit_verify.VerifyReport:
    settings = read_settings()
    async with open_office(settings) as office:
        try:
            await seal_audit(office.database, settings)
        except OperatorNeeded as error:
            # The sealer refuses to go on over a log that was changed. Naming the change is what
            # this command is for, so it goes on and verifies what is sealed already.
            click.echo(f"not sealed: {error}", err=True)
        verifier = read_verifier(settings.audit_dir / "signing.pub")
        return await audit_verify.verify(office.database.pool, verifier, notes_path(settings))


@audit_command.command(epilog="Example: bookai audit tail --job 3 --follow")
@click.option("--kind", help="Only this kind, for example approval.decided.")
@click.option("--actor", help="Only this actor, for example operator:anna.")
@click.option("--job", "job_id", type=click.IntRange(min=1), help="Only this job.")
@click.option("--limit", type=click.IntRange(1, 1000), default=20, show_default=True)
@click.option("--follow", is_flag=True, help="Keep printing new events; stop with Ctrl-C.")
@as_json
def tail(
    kind: str | None,
    actor: str | None,
    job_id: int | None,
    limit: int,
    follow: bool,
    json_: bool,
) -> None:
    """Print the latest events, oldest of them first."""
    run(_tail(kind, actor, job_id, limit, follow=follow, json_=json_))


async def _tail(
    kind: str | None,
    actor: str | None,
    job_id: int | None,
    limit: int,
    *,
    follow: bool,
    json_: bool,
) -> None:
    async with open_office(read_settings()) as office:
        pool = office.database.pool
        after: int | None = None
        while True:
            rows = await audit.search(
                pool, kind=kind, actor=actor, job_id=job_id, limit=limit, after_id=after
            )
            for row in sorted(rows, key=lambda one: one.event_id):
                after = row.event_id
                if json_:
                    line = {
                        "event_id": row.event_id,
                        "at": row.at.isoformat(),
                        "kind": row.kind,
                        "actor": row.actor,
                        "body": row.body,
                        "sealed": row.sealed,
                    }
                    print_json(line)
                else:
                    click.echo(f"{row.event_id:>6} {row.at:%H:%M:%S} {row.kind} {row.actor}")
                    click.echo(f"       {row.body}")
            if not follow:
                return
            await asyncio.sleep(FOLLOW_S)
